// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_to_all.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

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

std::vector<Transfer> transposed(std::vector<Transfer> transfers) {
  for (Transfer& transfer : transfers) std::swap(transfer.source, transfer.destination);
  return transfers;
}

TEST(AllToAll, DirectSendsEveryPairStraight) {
  const Collective collective = all_to_all(AllToAll::direct, kGroup, plan_of_one_sender(),
                                           Direction::to_experts, base::Bytes(10));
  EXPECT_EQ(collective.transfers,
            (std::vector<Transfer>{
                {8, 8, base::Bytes(10)}, {8, 16, base::Bytes(30)}, {8, 17, base::Bytes(30)}}));
}

// Two copies cross to local index 0 of the other node (rank 16); rank 16 keeps its two and forwards
// one to rank 17.
TEST(AllToAll, DedupSendsOneCopyPerNodeAndForwards) {
  const Collective collective =
      all_to_all(AllToAll::hierarchical_dedup, kGroup, plan_of_one_sender(), Direction::to_experts,
                 base::Bytes(10));
  EXPECT_EQ(collective.transfers, (std::vector<Transfer>{{8, 16, base::Bytes(20)},
                                                         {8, 8, base::Bytes(10)},
                                                         {16, 16, base::Bytes(20)},
                                                         {16, 17, base::Bytes(10)}}));
}

TEST(AllToAll, CombineIsTheTransposeOfDispatch) {
  for (const auto& [algorithm, name] : names_of(AllToAll{})) {
    const DispatchPlan plan = plan_of_one_sender();
    const auto out = all_to_all(algorithm, kGroup, plan, Direction::to_experts, base::Bytes(7));
    const auto back = all_to_all(algorithm, kGroup, plan, Direction::from_experts, base::Bytes(7));
    EXPECT_EQ(back.transfers, transposed(out.transfers)) << name;
  }
}

TEST(AllToAll, LoneRankSendsNothingToOthers) {
  const Group lone{{5}, {5}, {1, {0}}};
  DispatchPlan plan;
  plan.num_ranks = 1;
  plan.num_nodes = 1;
  plan.rows = {4};
  plan.rank_copies = {2};
  plan.node_copies = {2};
  for (const auto& [algorithm, name] : names_of(AllToAll{})) {
    for (const Transfer& transfer :
         all_to_all(algorithm, lone, plan, Direction::to_experts, base::Bytes(1)).transfers) {
      EXPECT_EQ(transfer.source, transfer.destination) << name;
    }
  }
}

// bf16: 2 x 7168. fp8: 7168 values and a 4-byte scale for each of 56 blocks of 128 = 7392.
TEST(AllToAll, RowBytesOfDeepSeekV3) {
  EXPECT_EQ(row_bytes(WireType::bf16, 7168).value, 14336);
  EXPECT_EQ(row_bytes(WireType::fp8, 7168).value, 7392);
  EXPECT_EQ(row_bytes(WireType::fp8, 129).value, 129 + 8);
}

}  // namespace
}  // namespace moesim::sim
