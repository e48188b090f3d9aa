// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/collectives/all_to_all.h"

namespace moesim::sim {
namespace {

using topologies::Transfer;

// Ranks 8, 9 on one node and 16, 17 on the next; local indices 0 and 1 on both.
const Group kGroup{{8, 9, 16, 17}, {0, 1, 0, 1}, {2, {0, 0, 1, 1}}};

// Source 0 sends 3 pairs to each rank of the other node as 2 and 1 distinct tokens, 2 tokens in all
// (one token goes to both); everything else is zero but one row to itself.
DispatchPlan plan_of_one_sender() {
  DispatchPlan plan;
  plan.num_ranks = 4;
  plan.num_nodes = 2;
  plan.num_experts = 4;
  plan.rows = {1, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  plan.rank_copies = {1, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  plan.node_copies = {1, 2, 0, 0, 0, 0, 0, 0};
  return plan;
}

// Two copies cross to local index 0 of the other node (rank 16); rank 16 keeps its two and forwards
// one to rank 17.
TEST(HierarchicalDedup, SendsOneCopyPerNodeAndForwards) {
  const Collective collective =
      all_to_all(AllToAll::hierarchical_dedup, kGroup, plan_of_one_sender(), Direction::to_experts,
                 base::Bytes(10));
  EXPECT_EQ(collective.transfers, (std::vector<Transfer>{{8, 16, base::Bytes(20)},
                                                         {8, 8, base::Bytes(10)},
                                                         {16, 16, base::Bytes(20)},
                                                         {16, 17, base::Bytes(10)}}));
}

// The stage behind the network's is forwarding; on the way back it is the one before.
TEST(HierarchicalDedup, ForwardingIsAStageOfThePipeline) {
  const auto stages_of = [](Direction direction) {
    return all_to_all(AllToAll::hierarchical_dedup, kGroup, plan_of_one_sender(), direction,
                      base::Bytes(10))
        .pipeline;
  };
  EXPECT_EQ(stages_of(Direction::to_experts),
            (std::vector<PipelineStage>{{{16, 17, base::Bytes(10)}, 1}}));
  EXPECT_EQ(stages_of(Direction::from_experts),
            (std::vector<PipelineStage>{{{17, 16, base::Bytes(10)}, 1}}));
}

}  // namespace
}  // namespace moesim::sim
