// SPDX-License-Identifier: Apache-2.0
#include "sim/traffic_shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/base/thrown_error.h"

namespace moesim::sim {
namespace {

using base::Bytes;

std::vector<double> shaped(Distribution distribution, int ranks, double hot_factor = 8) {
  SyntheticSettings settings;
  settings.distribution = distribution;
  settings.hot_factor = hot_factor;
  settings.zipf_exponent = 1;
  std::vector<double> bytes;
  for (const Bytes b : shaped_traffic(settings, 1, ranks, Bytes(1000))) bytes.push_back(b.value);
  return bytes;
}

double sum_of(const std::vector<double>& bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), 0.0);
}

// Rank 0 is 3 times as popular as each of 3 others: half of 1000 goes there, a sixth to each other.
TEST(TrafficShape, AHotRankGetsItsShareFromEverySource) {
  const std::vector<double> bytes = shaped(Distribution::w2_hot_rank, 4, 3);
  for (int source = 0; source < 4; ++source) {
    EXPECT_NEAR(bytes[source * 4], 500, 1e-9);
    for (int d = 1; d < 4; ++d) EXPECT_NEAR(bytes[source * 4 + d], 1000.0 / 6, 1e-9);
  }
}

// 1 / (1 + 1/2 + 1/3) = 6/11 goes to the most popular rank, 3/11 and 2/11 to the others.
TEST(TrafficShape, ZipfFollowsItsLaw) {
  std::vector<double> row = shaped(Distribution::zipf, 3);
  row.resize(3);
  std::sort(row.begin(), row.end());
  EXPECT_NEAR(row[0], 2000.0 / 11, 1e-9);
  EXPECT_NEAR(row[1], 3000.0 / 11, 1e-9);
  EXPECT_NEAR(row[2], 6000.0 / 11, 1e-9);
}

TEST(TrafficShape, RaggedSourcesDifferAndAnEmptyOneSendsNothing) {
  const std::vector<double> ragged = shaped(Distribution::w4_ragged_source, 3);
  EXPECT_NEAR(ragged[0] + ragged[1] + ragged[2], 500, 1e-2);
  EXPECT_NEAR(ragged[6] + ragged[7] + ragged[8], 1500, 1e-2);
  const std::vector<double> without = shaped(Distribution::w5_rank_without_tokens, 3);
  EXPECT_EQ(without[0] + without[1] + without[2], 0);
  EXPECT_NEAR(without[3] + without[4] + without[5], 1000, 1e-9);
}

// Every shape is defined, no entry is negative, and all but w5 carry the mean (w4 to rounding).
TEST(TrafficShape, TheMeanIsKept) {
  for (const auto& [distribution, name] : names_of(Distribution{})) {
    const std::vector<double> bytes = shaped(distribution, 16);
    EXPECT_GE(*std::min_element(bytes.begin(), bytes.end()), 0) << name;
    const double ranks = distribution == Distribution::w5_rank_without_tokens ? 15 : 16;
    EXPECT_NEAR(sum_of(bytes), ranks * 1000, 0.1) << name;
  }
  EXPECT_NE(shaped(Distribution::w7_burst, 16), shaped(Distribution::uniform, 16));
}

TEST(TrafficShape, AHotRankOutsideOfTheGroupIsAnError) {
  SyntheticSettings settings;
  settings.distribution = Distribution::w2_hot_rank;
  settings.hot_rank = 4;
  const base::Error error =
      base::thrown_error([&] { (void)shaped_traffic(settings, 0, 4, Bytes(1)); });
  EXPECT_EQ(error.where(), "/routing/synthetic/hot_rank");
  EXPECT_EQ(error.hint(), "use 0 to 3");
}

}  // namespace
}  // namespace moesim::sim
