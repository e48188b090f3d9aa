// SPDX-License-Identifier: Apache-2.0
#include "model/balance/expert_usage.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/rng.h"

namespace moesim::model {
namespace {

// Two tokens of two slots: experts 0 and 1; 0 and none. The second token's pair is dropped.
const RoutingBatch kBatch{2, 2, 4, {0, 1, 0, kNoExpert}, {0.75F, 0.25F, 0.5F, 0}, {1, 1, 0, 0}};

// Expert 0 has two pairs, one of them kept, and 1.25 of weight; expert 1 one of each and 0.25; one
// of three pairs is dropped, and experts 2 and 3 are never chosen. Loads 2, 1, 0, 0: entropy
// 2/3 log 3/2 + 1/3 log 3.
TEST(ExpertUsage, OfOneBatchWorkedByHand) {
  LayerUsage usage;
  add_batch(kBatch, usage);
  EXPECT_EQ(usage.tokens, 2);
  EXPECT_EQ(usage.chosen, (std::vector<std::int64_t>{2, 1, 0, 0}));
  EXPECT_EQ(usage.kept, (std::vector<std::int64_t>{1, 1, 0, 0}));
  EXPECT_EQ(usage.importance, (std::vector<double>{1.25, 0.25, 0, 0}));
  const UsageFigures figures = usage_figures(usage);
  EXPECT_NEAR(figures.drop_rate, 1.0 / 3, 1e-15);
  EXPECT_EQ(figures.dead_experts, 2);
  EXPECT_NEAR(figures.load.max_over_mean, 8.0 / 3, 1e-15);
  EXPECT_NEAR(figures.entropy_nats, 2.0 / 3 * std::log(1.5) + std::log(3.0) / 3, 1e-15);
}

TEST(ExpertUsage, OfNothingIsEven) { EXPECT_EQ(usage_figures({}), UsageFigures{}); }

// Rows of at least three tokens: two batches of two make the first, the third begins the second.
TEST(ExpertUsage, KeepsAHistory) {
  ExpertUsage usage(2, 3);
  for (int i = 0; i < 3; ++i) usage.add(1, kBatch);
  EXPECT_TRUE(usage.history(0).empty());
  ASSERT_EQ(usage.history(1).size(), 2U);
  EXPECT_EQ(usage.history(1)[0].tokens, 4);
  EXPECT_EQ(usage.history(1)[1].tokens, 2);
  EXPECT_EQ(usage.total(1).tokens, 6);
  EXPECT_EQ(usage.total(1).chosen[0], 6);
  ExpertUsage by_two(1, 2);
  by_two.add(0, kBatch);
  by_two.add(0, kBatch);
  EXPECT_EQ(by_two.history(0).size(), 2U);
  ExpertUsage by_batch(1);
  by_batch.add(0, kBatch);
  by_batch.add(0, kBatch);
  EXPECT_EQ(by_batch.history(0).size(), 2U);
}

TEST(ExpertUsage, ResetForgetsAll) {
  ExpertUsage usage(1);
  usage.add(0, kBatch);
  const RoutingBatch other{1, 1, 2, {1}, {1}, {}};
  EXPECT_THROW(usage.add(0, other), base::InvariantViolation);
  usage.reset();
  EXPECT_EQ(usage.total(0), LayerUsage{});
  EXPECT_TRUE(usage.history(0).empty());
  usage.add(0, other);
  EXPECT_EQ(usage.total(0).chosen, (std::vector<std::int64_t>{0, 1}));
}

// The history's rows add up to the total, and pairs to tokens x top_k.
TEST(ExpertUsage, PairsAreConserved) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    base::Rng rng(seed, "usage");
    ExpertUsage usage(1, static_cast<std::int64_t>(rng.below(40)));
    std::int64_t pairs = 0;
    for (int call = 0; call < 6; ++call) {
      RoutingBatch batch{1 + static_cast<int>(rng.below(20)), 1, 5, {}, {}, {}};
      for (int t = 0; t < batch.tokens; ++t) {
        batch.experts.push_back(static_cast<std::int32_t>(rng.below(5)));
        batch.weights.push_back(1);
        batch.kept.push_back(static_cast<std::uint8_t>(rng.below(2)));
      }
      usage.add(0, batch);
      pairs += batch.tokens;
    }
    const LayerUsage& total = usage.total(0);
    EXPECT_EQ(std::accumulate(total.chosen.begin(), total.chosen.end(), std::int64_t{0}), pairs);
    std::int64_t tokens = 0;
    std::vector<std::int64_t> kept(5);
    for (const LayerUsage& row : usage.history(0)) {
      tokens += row.tokens;
      for (int e = 0; e < 5; ++e) kept[e] += row.kept[e];
    }
    EXPECT_EQ(tokens, total.tokens);
    EXPECT_EQ(kept, total.kept);
    for (int e = 0; e < 5; ++e) {
      EXPECT_EQ(total.importance[e], static_cast<double>(total.chosen[e]));
    }
  }
}

}  // namespace
}  // namespace moesim::model
