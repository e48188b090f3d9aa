// SPDX-License-Identifier: Apache-2.0
#include "sim/plan/placement.h"

#include <gtest/gtest.h>

namespace moesim::sim {
namespace {

std::vector<int> sizes(const Placement& placement) {
  std::vector<int> counts;
  for (int rank = 0; rank < placement.num_ranks; ++rank) {
    counts.push_back(static_cast<int>(placement.experts_of_rank(rank).size()));
  }
  return counts;
}

// 10 = 4 x 2 + 2: the remainder of two goes to the first two ranks.
TEST(Placement, ContiguousGivesTheRemainderToTheFirstRanks) {
  const Placement placement = place_experts(ExpertPlacement::contiguous, 10, 4);
  EXPECT_EQ(sizes(placement), (std::vector<int>{3, 3, 2, 2}));
  EXPECT_EQ(placement, model::placement_of(4, {0, 0, 0, 1, 1, 1, 2, 2, 3, 3}));
}

TEST(Placement, RoundRobinDealsExpertsOut) {
  const Placement placement = place_experts(ExpertPlacement::round_robin, 10, 4);
  EXPECT_EQ(placement, model::placement_of(4, {0, 1, 2, 3, 0, 1, 2, 3, 0, 1}));
  EXPECT_EQ(placement.experts_of_rank(1), (std::vector<int>{1, 5, 9}));
}

// Every expert has exactly one rank, and no rank has two more than another.
void expect_even(ExpertPlacement policy, int experts, int ranks) {
  int total = 0;
  for (const int count : sizes(place_experts(policy, experts, ranks))) {
    EXPECT_GE(count, experts / ranks);
    EXPECT_LE(count, experts / ranks + 1);
    total += count;
  }
  EXPECT_EQ(total, experts);
}

TEST(Placement, EveryPolicyPlacesEveryExpertOnceAndEvenly) {
  for (const auto& [policy, name] : names_of(ExpertPlacement{})) {
    for (int ranks = 1; ranks <= 17; ++ranks) {
      SCOPED_TRACE(name);
      for (int experts = ranks; experts <= 40; ++experts) expect_even(policy, experts, ranks);
    }
  }
}

}  // namespace
}  // namespace moesim::sim
