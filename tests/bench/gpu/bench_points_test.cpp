// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/bench_points.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <set>
#include <string>

namespace moesim::bench {
namespace {

std::vector<int> counts_of(const BenchPoint& point) {
  const RowOrder order = row_order(point, expert_choices(point));
  std::vector<int> counts(order.first_row.size());
  std::adjacent_difference(order.first_row.begin(), order.first_row.end(), counts.begin());
  counts.erase(counts.begin());
  return counts;
}

// 7 shapes by 14 means by 3 distributions, fewer where a point would take too long; the goals'
// means come first.
TEST(BenchPoints, AreTheWholeGridUpToALimit) {
  EXPECT_EQ(bench_points(1e18).size(), 7u * 14u * 3u);
  for (const BenchPoint& point : bench_points(2e13)) EXPECT_LE(point.flops(), 2e13);
  EXPECT_LT(bench_points(2e13).size(), 7u * 14u * 3u);
  EXPECT_EQ(bench_points(1e18)[0].mean_rows, 64);
  EXPECT_EQ(bench_points(1e18)[6].mean_rows, 1024);
}

TEST(BenchPoints, ChooseDifferentExpertsForEachToken) {
  for (const Distribution distribution : kDistributions) {
    const BenchPoint point{{"test", 12, 4, 64, 64}, 100, 300, distribution};
    const std::vector<std::int32_t> choices = expert_choices(point);
    ASSERT_EQ(choices.size(), 1200u);
    for (std::size_t token = 0; token < 300; ++token) {
      const std::set<std::int32_t> experts(
          choices.begin() + static_cast<std::ptrdiff_t>(4 * token),
          choices.begin() + static_cast<std::ptrdiff_t>(4 * token + 4));
      EXPECT_EQ(experts.size(), 4u);
      EXPECT_TRUE(*experts.begin() >= 0 && *experts.rbegin() < 12);
    }
  }
}

// 1,024 tokens of 8 among 128 experts are 64 rows each. All alike, the standard deviation is
// sqrt(8192 (1/128) (1 - 8/128)) = 7.7; by power law the first expert's share is far above.
TEST(BenchPoints, SpreadRowsAsTheirNameSays) {
  const LayerShape shape{"test", 128, 8, 64, 64};
  const auto most = [&](Distribution distribution) {
    const std::vector<int> counts = counts_of({shape, 64, 1024, distribution});
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0), 8192);
    return *std::max_element(counts.begin(), counts.end());
  };
  EXPECT_EQ(most(Distribution::balanced), 64);
  EXPECT_GT(most(Distribution::multinomial), 64 + 8);
  EXPECT_LT(most(Distribution::multinomial), 64 + 6 * 8);
  EXPECT_GT(most(Distribution::power_law), 5 * 64);
}

TEST(BenchPoints, PutRowsInTheExpertsOrder) {
  const BenchPoint point{{"test", 3, 2, 64, 64}, 0, 3, Distribution::balanced};
  const RowOrder order = row_order(point, {0, 2, 2, 0, 2, 0});
  EXPECT_EQ(order.first_row, (std::vector<std::int32_t>{0, 3, 3, 6}));
  EXPECT_EQ(order.token, (std::vector<std::int32_t>{0, 1, 2, 0, 1, 2}));
}

TEST(BenchPoints, WriteTheChoicesThatOtherProgramsRead) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "bench_points_test";
  const BenchPoint point{{"test", 12, 4, 64, 64}, 10, 30, Distribution::multinomial};
  write_points({point}, folder);
  std::ifstream lines(folder / "points.ndjson");
  std::string line;
  std::getline(lines, line);
  EXPECT_NE(line.find("\"tokens\": 30"), std::string::npos);
  EXPECT_NE(line.find("\"file\": \"test_10_multinomial.i32\""), std::string::npos);
  std::vector<std::int32_t> choices(120);
  std::ifstream(folder / "test_10_multinomial.i32", std::ios::binary)
      .read(reinterpret_cast<char*>(choices.data()), 480);
  EXPECT_EQ(choices, expert_choices(point));
  std::filesystem::remove_all(folder);
}

// By sorting: the logits' top-k are the choices in their order, of every distribution; ties are
// among the others alone.
TEST(LogitsFor, ChooseWhatTheyAreFor) {
  for (const Distribution distribution : kDistributions) {
    const BenchPoint point{{"small", 16, 4, 8, 8}, 8, 32, distribution};
    const std::vector<std::int32_t> choices = expert_choices(point);
    const std::vector<float> logits = logits_for(point, choices);
    ASSERT_EQ(logits.size(), 32u * 16);
    for (std::size_t token = 0; token < 32; ++token) {
      const float* const of_token = logits.data() + token * 16;
      std::vector<std::int32_t> order(16);
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(),
                       [&](std::int32_t a, std::int32_t b) { return of_token[a] > of_token[b]; });
      order.resize(4);
      const auto first = choices.begin() + static_cast<std::ptrdiff_t>(token * 4);
      EXPECT_EQ(order, std::vector<std::int32_t>(first, first + 4));
    }
  }
}

// e^0 and e^-1/2 over their sum: 1 / 1.606531 = 0.622459.
TEST(RoutingWeights, AreTheSoftmaxOfTheChosen) {
  EXPECT_EQ(routing_weights(1), std::vector<double>{1});
  const std::vector<double> weights = routing_weights(2);
  EXPECT_NEAR(weights[0], 0.622459, 1e-6);
  EXPECT_NEAR(weights[1], 0.377541, 1e-6);
}

// qwen3_30b and mixtral everywhere; others where goals are set; one rank's experts nowhere.
TEST(BenchPoint, TimesWholeLayersWhereGoalsAreAndSomeMore) {
  const LayerShape qwen = kShapes[0];
  const LayerShape rank = kShapes[2];
  const LayerShape olmoe = kShapes[3];
  EXPECT_TRUE((BenchPoint{qwen, 4, 64, Distribution::balanced}.times_layer()));
  EXPECT_TRUE((BenchPoint{olmoe, 256, 2048, Distribution::balanced}.times_layer()));
  EXPECT_FALSE((BenchPoint{olmoe, 128, 1024, Distribution::balanced}.times_layer()));
  EXPECT_FALSE((BenchPoint{rank, 256, 2048, Distribution::balanced}.times_layer()));
}

}  // namespace
}  // namespace moesim::bench
