// SPDX-License-Identifier: Apache-2.0
#include "model/dispatch/placement.h"

#include <gtest/gtest.h>

namespace moesim::model {
namespace {

const Placement kReplicated{3, {{0, 2}, {1}, {0, 1, 2}}};

TEST(Placement, ListsARanksExpertsInOrder) {
  EXPECT_EQ(kReplicated.experts_of_rank(0), (std::vector<int>{0, 2}));
  EXPECT_EQ(kReplicated.experts_of_rank(1), (std::vector<int>{1, 2}));
  EXPECT_EQ(kReplicated.experts_of_rank(2), (std::vector<int>{0, 2}));
}

TEST(Placement, AHolderServesItself) {
  for (int token = 0; token < 4; ++token) {
    EXPECT_EQ(kReplicated.serving_rank(0, 2, token), 2);
    EXPECT_EQ(kReplicated.serving_rank(2, 1, token), 1);
  }
}

// Rank 1 does not hold expert 0: token t goes to replica (1 + t) mod 2 of {0, 2}.
TEST(Placement, ReplicasTakeTurnsForTheOthers) {
  EXPECT_EQ(kReplicated.serving_rank(0, 1, 0), 2);
  EXPECT_EQ(kReplicated.serving_rank(0, 1, 1), 0);
  EXPECT_EQ(kReplicated.serving_rank(0, 1, 2), 2);
}

TEST(Placement, ALoneReplicaServesAll) {
  const Placement placement = placement_of(2, {1, 0});
  EXPECT_EQ(placement.ranks_of_expert, (std::vector<std::vector<int>>{{1}, {0}}));
  EXPECT_EQ(placement.serving_rank(0, 0, 7), 1);
}

}  // namespace
}  // namespace moesim::model
