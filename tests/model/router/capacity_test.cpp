// SPDX-License-Identifier: Apache-2.0
#include "model/router/capacity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/rng.h"

namespace moesim::model {
namespace {

using Kept = std::vector<std::uint8_t>;

// 1.25 x 8 x 2 / 4 = 5; 1 x 10 / 4 = 2.5, rounded up to 3; 0.01 x 4 / 8 rounds up to 1;
// 1.1 x 10 = 11, although the nearest binary number to 1.1 is a little above it.
TEST(ExpertCapacity, IsTheRoundedUpShare) {
  EXPECT_EQ(expert_capacity(1.25, 8, 2, 4), 5);
  EXPECT_EQ(expert_capacity(1.0, 10, 1, 4), 3);
  EXPECT_EQ(expert_capacity(0.01, 4, 1, 8), 1);
  EXPECT_EQ(expert_capacity(1.1, 10, 1, 1), 11);
}

TEST(ExpertCapacity, IsAtLeastOneAndNeverOverflows) {
  EXPECT_EQ(expert_capacity(1.0, 0, 2, 4), 1);
  EXPECT_EQ(expert_capacity(1e300, 1000, 8, 4), std::numeric_limits<int>::max());
}

// Three tokens, two of three experts each; capacity 1 x 3 x 2 / 3 = 2. Expert 0 is chosen by all,
// with weights 0.9 (pair 0), 0.6 (pair 2), 0.7 (pair 4): one of these pairs goes.
const RoutingBatch kThreeTokens{3, 2, 3, {0, 1, 0, 2, 0, 1}, {0.9F, 0.1F, 0.6F, 0.4F, 0.7F, 0.3F}};

TEST(KeptPairs, PositionDropsTheLatestToken) {
  EXPECT_EQ(kept_pairs(kThreeTokens, 1.0, TokenDropPolicy::position), (Kept{1, 1, 1, 1, 0, 1}));
}

TEST(KeptPairs, ProbsDropsTheLowestWeight) {
  EXPECT_EQ(kept_pairs(kThreeTokens, 1.0, TokenDropPolicy::probs), (Kept{1, 1, 0, 1, 1, 1}));
}

TEST(KeptPairs, OfEqualWeightsProbsDropsTheLaterToken) {
  RoutingBatch batch = kThreeTokens;
  batch.weights = {0.9F, 0.1F, 0.7F, 0.3F, 0.7F, 0.3F};
  EXPECT_EQ(kept_pairs(batch, 1.0, TokenDropPolicy::probs), (Kept{1, 1, 1, 1, 0, 1}));
}

TEST(KeptPairs, IsEmptyWithoutACapacity) {
  EXPECT_TRUE(kept_pairs(kThreeTokens, std::nullopt, TokenDropPolicy::probs).empty());
}

RoutingBatch random_batch(base::Rng& rng) {
  RoutingBatch batch;
  batch.tokens = 1 + static_cast<int>(rng.below(60));
  batch.num_experts = 1 + static_cast<int>(rng.below(12));
  batch.top_k = 1 + static_cast<int>(rng.below(batch.num_experts));
  for (int token = 0; token < batch.tokens; ++token) {
    const auto first = static_cast<std::int32_t>(rng.below(batch.num_experts));
    for (int slot = 0; slot < batch.top_k; ++slot) {
      batch.experts.push_back((first + slot) % batch.num_experts);
      batch.weights.push_back(static_cast<float>(1 + rng.below(5)) / 5);
    }
  }
  return batch;
}

// No expert is above its capacity, and one that dropped anything is full.
TEST(KeptPairs, FillExpertsUpToTheirCapacity) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    base::Rng rng(seed, "capacity");
    const RoutingBatch batch = random_batch(rng);
    const double factor = 0.2 + rng.uniform();
    const int capacity = expert_capacity(factor, batch.tokens, batch.top_k, batch.num_experts);
    for (const TokenDropPolicy policy : {TokenDropPolicy::probs, TokenDropPolicy::position}) {
      const Kept kept = kept_pairs(batch, factor, policy);
      std::vector<int> asked(batch.num_experts), taken(batch.num_experts);
      for (std::size_t pair = 0; pair < kept.size(); ++pair) {
        ++asked[batch.experts[pair]];
        taken[batch.experts[pair]] += kept[pair];
      }
      for (int e = 0; e < batch.num_experts; ++e) {
        EXPECT_EQ(taken[e], std::min(asked[e], capacity)) << "seed " << seed << " expert " << e;
      }
    }
  }
}

TEST(TokenDropPolicy, HasAName) {
  const auto names = names_of(TokenDropPolicy::probs);
  ASSERT_EQ(names.size(), 2U);
  EXPECT_EQ(names[0].second, "probs");
  EXPECT_EQ(names[1].second, "position");
}

}  // namespace
}  // namespace moesim::model
