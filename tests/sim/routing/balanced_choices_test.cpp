// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/balanced_choices.h"

#include <gtest/gtest.h>

#include <set>

#include "base/rng.h"

namespace moesim::sim {
namespace {

model::RoutingBatch batch_of(int top_k, int num_experts, std::vector<std::int32_t> experts) {
  const int tokens = static_cast<int>(experts.size()) / top_k;
  std::vector<float> weights(experts.size(), 0.5F);
  return {tokens, top_k, num_experts, std::move(experts), std::move(weights), {}};
}

std::vector<int> counts_of(const model::RoutingBatch& batch) {
  std::vector<int> counts(batch.num_experts);
  for (const std::int32_t expert : batch.experts) ++counts[expert];
  return counts;
}

// Four tokens of one choice all want expert 0 of four: the first keeps it, the others take 1, 2, 3.
TEST(BalancedChoices, WhatIsBeyondAnExpertsShareGoesToTheOthersInTurn) {
  model::RoutingBatch batch = batch_of(1, 4, {0, 0, 0, 0});
  balance_choices(batch, 0);
  EXPECT_EQ(batch.experts, (std::vector<std::int32_t>{0, 1, 2, 3}));
}

TEST(BalancedChoices, ABalancedBatchIsLeftAsItIs) {
  const model::RoutingBatch batch = batch_of(2, 4, {3, 1, 0, 2, 1, 0, 2, 3});
  model::RoutingBatch balanced = batch;
  balance_choices(balanced, 2);
  EXPECT_EQ(balanced, batch);
}

// Three tokens of two choices, three experts, two pairs each. Expert 0 and 1 are wanted three times
// each: the last token's two choices move. Both would have to be expert 2, so an earlier token
// takes one of them.
TEST(BalancedChoices, NoTokenGetsAnExpertTwice) {
  model::RoutingBatch batch = batch_of(2, 3, {0, 1, 0, 1, 0, 1});
  balance_choices(batch, 0);
  EXPECT_EQ(counts_of(batch), (std::vector<int>{2, 2, 2}));
  for (int token = 0; token < 3; ++token) {
    EXPECT_NE(batch.experts[2 * token], batch.experts[2 * token + 1]);
  }
}

// Five pairs over three experts: one more each for the two from `first_extra` on.
TEST(BalancedChoices, ExtraPairsBeginWhereTheyAreToldTo) {
  model::RoutingBatch batch = batch_of(1, 3, {0, 0, 0, 0, 0});
  balance_choices(batch, 2);
  EXPECT_EQ(counts_of(batch), (std::vector<int>{2, 1, 2}));
}

TEST(BalancedChoices, DropsAreUndone) {
  model::RoutingBatch batch = batch_of(1, 2, {0, 1});
  batch.kept = {0, 1};
  balance_choices(batch, 0);
  EXPECT_TRUE(batch.is_kept(0));
}

TEST(BalancedChoices, EmptySlotsStayEmpty) {
  model::RoutingBatch batch = batch_of(2, 2, {0, model::kNoExpert, 0, 1});
  batch.kept = {1, 0, 0, 1};
  undo_drops(batch);
  EXPECT_EQ(batch.kept, (std::vector<std::uint8_t>{1, 0, 1, 1}));
}

// Skewed draws of all shapes: equal shares, distinct experts, and no more changed than was beyond a
// share, but for the exchanges.
TEST(BalancedChoices, HoldForAnyBatch) {
  base::Rng rng(5, "batches");
  for (int draw = 0; draw < 200; ++draw) {
    const int experts = 2 + static_cast<int>(rng.below(15));
    const int top_k = 1 + static_cast<int>(rng.below(experts));
    const int tokens = 1 + static_cast<int>(rng.below(40));
    std::vector<std::int32_t> choices;
    for (int token = 0; token < tokens; ++token) {
      std::set<std::int32_t> own;
      while (static_cast<int>(own.size()) < top_k) {
        const double u = rng.uniform();
        own.insert(static_cast<std::int32_t>(u * u * u * experts));
      }
      choices.insert(choices.end(), own.begin(), own.end());
    }
    model::RoutingBatch batch = batch_of(top_k, experts, choices);
    balance_choices(batch, static_cast<int>(rng.below(experts)));
    for (const int count : counts_of(batch)) {
      EXPECT_GE(count, tokens * top_k / experts);
      EXPECT_LE(count, (tokens * top_k + experts - 1) / experts);
    }
    for (int token = 0; token < tokens; ++token) {
      const auto first = batch.experts.begin() + static_cast<std::ptrdiff_t>(token) * top_k;
      EXPECT_EQ(std::set<std::int32_t>(first, first + top_k).size(), std::size_t(top_k));
    }
  }
}

}  // namespace
}  // namespace moesim::sim
