// SPDX-License-Identifier: Apache-2.0
#include "model/router/capacity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
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
const RoutingBatch kThreeTokens{3, 2, 3, {0, 1, 0, 2, 0, 1}, {0.9F, 0.1F, 0.6F, 0.4F, 0.7F, 0.3F},
                                {}};

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

TEST(KeptPairs, WhatWasDroppedStaysDropped) {
  RoutingBatch batch = kThreeTokens;
  batch.kept = {0, 1, 1, 1, 1, 1};
  EXPECT_EQ(kept_pairs(batch, 1.0, TokenDropPolicy::probs), (Kept{0, 1, 1, 1, 1, 1}));
  EXPECT_EQ(kept_pairs(batch, std::nullopt, TokenDropPolicy::probs), batch.kept);
}

TEST(KeptPairs, EmptySlotsTakeNoRoom) {
  RoutingBatch batch = kThreeTokens;
  batch.experts[2] = kNoExpert;
  EXPECT_EQ(kept_pairs(batch, 1.0, TokenDropPolicy::position), (Kept{1, 1, 0, 1, 1, 1}));
}

// Five experts on two ranks: three and two. Four experts on four ranks: one each.
TEST(RankOfExpert, IsAContiguousBlockTheFirstOnesLarger) {
  const std::vector<int> expected{0, 0, 0, 1, 1};
  for (int e = 0; e < 5; ++e) EXPECT_EQ(rank_of_expert(e, 5, 2), expected[e]);
  for (int e = 0; e < 4; ++e) EXPECT_EQ(rank_of_expert(e, 4, 4), e);
}

// 1 x 10 x 2 / 8 = 2.5, rounded up to 3, raised to 4; without a factor, as under expert choice, 1.
TEST(SlotsOfExpert, AreNotBelowTheMinimum) {
  RouterConfig config;
  EXPECT_EQ(slots_of_expert(config, 10), 3);
  config.min_capacity = 4;
  EXPECT_EQ(slots_of_expert(config, 10), 4);
  config.capacity_factor = 2.0;
  EXPECT_EQ(slots_of_expert(config, 10), 5);
}

// Four tokens, one of four experts each, two ranks: 1 x 4 / 2 = 2 pairs a rank. Experts 0 and 1,
// rank 0, have three pairs, the lowest of which, token 0's, goes.
TEST(ApplyCapacity, ARankTakesNoMoreThanItsShare) {
  RouterConfig config;
  config.rank_capacity_factor = 1.0;
  config.capacity_ranks = 2;
  RoutingBatch batch{4, 1, 4, {0, 0, 1, 2}, {0.4F, 0.5F, 0.6F, 0.7F}, {}};
  apply_capacity(config, batch);
  EXPECT_EQ(batch.kept, (Kept{0, 1, 1, 1}));
  config.token_drop_policy = TokenDropPolicy::position;
  batch.kept.clear();
  apply_capacity(config, batch);
  EXPECT_EQ(batch.kept, (Kept{1, 1, 0, 1}));
}

// The minimum is a bound of experts, and a capacity of 1 raised to 2 keeps both of two pairs.
TEST(ApplyCapacity, RaisesAnExpertsSlotsToTheMinimum) {
  RouterConfig config;
  config.capacity_factor = 0.5;
  RoutingBatch batch{2, 1, 2, {0, 0}, {0.5F, 0.6F}, {}};
  apply_capacity(config, batch);
  EXPECT_EQ(batch.kept, (Kept{0, 1}));
  config.min_capacity = 2;
  batch.kept.clear();
  apply_capacity(config, batch);
  EXPECT_EQ(batch.kept, (Kept{1, 1}));
}

// Three tokens, all to expert 0 of three, which has one slot. By weight token 2 keeps it. Of the
// others token 1 is first: its next best is expert 2 (0.3). Token 0's would be the same, which has
// no room left, so it goes to expert 1 (0.2).
// By position token 0 keeps it, token 1 goes to expert 2, and token 2 to expert 1, the only one
// with room, where its score is 0.2.
TEST(ApplyCapacity, NextBestFillsTheRoomThatIsLeft) {
  const std::vector<float> scores{0.5F, 0.2F, 0.3F, 0.6F, 0.1F, 0.3F, 0.7F, 0.2F, 0.1F};
  const RoutingBatch all_to_one{3, 1, 3, {0, 0, 0}, {0.5F, 0.6F, 0.7F}, {}};
  RouterConfig config;
  config.capacity_factor = 1.0;
  config.overflow = OverflowPolicy::next_best;
  RoutingBatch batch = all_to_one;
  apply_capacity<float>(config, scores, batch);
  EXPECT_EQ(batch.experts, (std::vector<std::int32_t>{1, 2, 0}));
  EXPECT_EQ(batch.weights, (std::vector<float>{0.2F, 0.3F, 0.7F}));
  EXPECT_EQ(batch.kept, (Kept{1, 1, 1}));
  config.token_drop_policy = TokenDropPolicy::position;
  batch = all_to_one;
  apply_capacity<float>(config, scores, batch);
  EXPECT_EQ(batch.experts, (std::vector<std::int32_t>{0, 2, 1}));
  EXPECT_EQ(batch.weights, (std::vector<float>{0.5F, 0.3F, 0.2F}));
}

// Of two tokens that want expert 0, the second is turned away; expert 1's score is not a number.
TEST(ApplyCapacity, AScoreThatIsNotANumberIsTheLastResort) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> scores{0.9F, 0.1F, 0, 0.8F, nan, 0};
  RouterConfig config;
  config.capacity_factor = 1.0;
  config.overflow = OverflowPolicy::next_best;
  RoutingBatch batch{2, 1, 3, {0, 0}, {0.9F, 0.8F}, {}};
  apply_capacity<float>(config, scores, batch);
  EXPECT_EQ(batch.experts, (std::vector<std::int32_t>{0, 2}));
  scores[5] = nan;
  batch = {2, 1, 3, {0, 0}, {0.9F, 0.8F}, {}};
  apply_capacity<float>(config, scores, batch);
  EXPECT_EQ(batch.experts, (std::vector<std::int32_t>{0, 1}));
}

TEST(ApplyCapacity, WithoutScoresNoExpertIsNextBest) {
  RouterConfig config;
  config.overflow = OverflowPolicy::next_best;
  RoutingBatch batch = kThreeTokens;
  EXPECT_NO_THROW(apply_capacity(config, batch));  // dropless: there is no overflow
  config.capacity_factor = 1.0;
  EXPECT_THROW(apply_capacity(config, batch), base::Error);
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

struct RandomCase {
  RoutingBatch batch;
  RouterConfig config;
  std::vector<float> scores;
};

RandomCase random_case(std::uint64_t seed) {
  base::Rng rng(seed, "overflow");
  RandomCase result;
  result.batch = random_batch(rng);
  result.config.capacity_factor = 0.3 + rng.uniform();
  result.config.overflow = OverflowPolicy::next_best;
  if (seed % 2 == 0) result.config.token_drop_policy = TokenDropPolicy::position;
  if (seed % 3 == 0) {
    result.config.rank_capacity_factor = 0.5 + rng.uniform();
    result.config.capacity_ranks = 1 + static_cast<int>(rng.below(result.batch.num_experts));
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (int i = 0; i < result.batch.tokens * result.batch.num_experts; ++i) {
    result.scores.push_back(rng.below(20) == 0 ? nan : static_cast<float>(rng.below(6)) / 6);
  }
  if (seed % 5 == 0) result.batch.weights[0] = nan;
  return result;
}

std::vector<int> count_kept(const RoutingBatch& batch) {
  std::vector<int> taken(batch.num_experts);
  for (std::size_t pair = 0; pair < batch.kept.size(); ++pair) {
    taken[batch.experts[pair]] += batch.kept[pair];
  }
  return taken;
}

// Capacities hold, a token's experts stay distinct, no kept pair moves, and a pair is dropped only
// where each expert is full, in itself or in its rank, or the token's already.
TEST(ApplyCapacity, NextBestLeavesNoRoomUnused) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const RandomCase given = random_case(seed);
    const RouterConfig& config = given.config;
    RoutingBatch batch = given.batch;
    apply_capacity<float>(config, given.scores, batch);
    const int experts = batch.num_experts;
    const int ranks = config.rank_capacity_factor ? config.capacity_ranks : 1;
    const int capacity =
        expert_capacity(*config.capacity_factor, batch.tokens, batch.top_k, experts);
    const int rank_capacity =
        config.rank_capacity_factor
            ? expert_capacity(*config.rank_capacity_factor, batch.tokens, batch.top_k, ranks)
            : std::numeric_limits<int>::max();
    const std::vector<int> taken = count_kept(batch);
    std::vector<int> taken_by_rank(ranks);
    for (int e = 0; e < experts; ++e) taken_by_rank[rank_of_expert(e, experts, ranks)] += taken[e];
    const auto has_room = [&](int e) {
      return taken[e] < capacity &&
             taken_by_rank[rank_of_expert(e, experts, ranks)] < rank_capacity;
    };
    for (const int n : taken) EXPECT_LE(n, capacity) << "seed " << seed;
    for (const int n : taken_by_rank) EXPECT_LE(n, rank_capacity) << "seed " << seed;
    for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
      const auto first =
          batch.experts.begin() + static_cast<std::ptrdiff_t>(pair / batch.top_k) * batch.top_k;
      for (int e = 0; e < experts; ++e) {
        const auto uses = std::count(first, first + batch.top_k, e);
        EXPECT_LE(uses, 1) << "seed " << seed;
        EXPECT_TRUE(batch.kept[pair] == 1 || uses == 1 || !has_room(e)) << "seed " << seed;
      }
      EXPECT_TRUE(batch.kept[pair] == 1 || batch.experts[pair] == given.batch.experts[pair]);
    }
  }
}

// What `drop` keeps, `next_best` keeps where it was.
TEST(ApplyCapacity, NextBestMovesOnlyWhatWasTurnedAway) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    RandomCase given = random_case(seed);
    RoutingBatch moved = given.batch;
    apply_capacity<float>(given.config, given.scores, moved);
    RoutingBatch dropped = given.batch;
    given.config.overflow = OverflowPolicy::drop;
    apply_capacity(given.config, dropped);
    for (std::size_t pair = 0; pair < dropped.kept.size(); ++pair) {
      if (dropped.kept[pair] == 0) continue;
      EXPECT_EQ(moved.kept[pair], 1) << "seed " << seed;
      EXPECT_EQ(moved.experts[pair], given.batch.experts[pair]) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace moesim::model
