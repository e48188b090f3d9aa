// SPDX-License-Identifier: Apache-2.0
#include "sim/plan/dispatch_plan.h"

#include <gtest/gtest.h>

#include <numeric>
#include <set>

#include "base/rng.h"
#include "model/router/capacity.h"

namespace moesim::sim {
namespace {

// Four experts, two a rank, both ranks of node 0 and of node 1 in a group of four.
//   rank 0: experts 0, 1   rank 1: 2, 3   rank 2: 4, 5   rank 3: 6, 7
const Placement kPlacement = place_experts(ExpertPlacement::contiguous, 8, 4);
const GroupLayout kLayout{2, {0, 0, 1, 1}};

model::RoutingBatch batch_of(int top_k, std::vector<std::int32_t> experts) {
  const int tokens = static_cast<int>(experts.size()) / top_k;
  std::vector<float> weights(experts.size(), 1.0F / static_cast<float>(top_k));
  return {tokens, top_k, 8, std::move(experts), std::move(weights), {}};
}

// Token 0 -> experts 0, 1, 4 (rank 0 twice, rank 2); token 1 -> 4, 6, 2 (ranks 2, 3, 1).
// Copies: rank 0 one (token 0), rank 1 one, rank 2 two (both tokens), rank 3 one.
// Nodes: node 0 gets both tokens, node 1 gets both tokens (token 1 only once for two ranks).
TEST(DispatchPlan, CountsPairsCopiesAndNodesOfOneSource) {
  const SourceCounts counts = count_source(batch_of(3, {0, 1, 4, 4, 6, 2}), 0, kPlacement, kLayout);
  EXPECT_EQ(counts.tokens, 2);
  EXPECT_EQ(counts.routed_pairs, 6);
  EXPECT_EQ(counts.replica_rows, (std::vector<int>{1, 1, 1, 0, 2, 0, 1, 0}));
  EXPECT_EQ(counts.rank_copies, (std::vector<int>{1, 1, 2, 1}));
  EXPECT_EQ(counts.node_copies, (std::vector<int>{2, 2}));
}

// The same, with token 0's pair for expert 4 dropped: token 0 no longer goes to node 1.
TEST(DispatchPlan, ADroppedPairSendsNothing) {
  model::RoutingBatch batch = batch_of(3, {0, 1, 4, 4, 6, 2});
  batch.kept = {1, 1, 0, 1, 1, 1};
  const SourceCounts counts = count_source(batch, 0, kPlacement, kLayout);
  EXPECT_EQ(counts.replica_rows, (std::vector<int>{1, 1, 1, 0, 1, 0, 1, 0}));
  EXPECT_EQ(counts.expert_demand, (std::vector<int>{1, 1, 1, 0, 2, 0, 1, 0}));
  EXPECT_EQ(counts.rank_copies, (std::vector<int>{1, 1, 1, 1}));
  EXPECT_EQ(counts.node_copies, (std::vector<int>{2, 1}));
}

// Source 0 as above; source 1 has one token for experts 6, 7, 0; sources 2 and 3 have none.
// Rows: source 0 -> 2, 1, 2, 1; source 1 -> 1, 0, 0, 2.
TEST(DispatchPlan, AssemblesSourcesInRankOrder) {
  std::vector<SourceCounts> sources;
  sources.push_back(count_source(batch_of(3, {0, 1, 4, 4, 6, 2}), 0, kPlacement, kLayout));
  sources.push_back(count_source(batch_of(3, {6, 7, 0}), 1, kPlacement, kLayout));
  sources.push_back(count_source(batch_of(3, {}), 2, kPlacement, kLayout));
  sources.push_back(sources.back());
  const DispatchPlan plan = assemble_plan(sources, kPlacement, kLayout);
  EXPECT_EQ(plan.rows, (std::vector<int>{2, 1, 2, 1, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(plan.tokens, (std::vector<int>{2, 1, 0, 0}));
  EXPECT_EQ(plan.rank_expert_rows[0], (std::vector<int>{2, 1}));
  EXPECT_EQ(plan.rank_expert_rows[3], (std::vector<int>{2, 1}));
  EXPECT_EQ(plan.rows_of_rank(3), 3);
  EXPECT_EQ(plan.dropped_pairs, 0);
}

// Expert 0 is on ranks 0 and 2, expert 1 on rank 1. Source 0 computes its pairs of expert 0 itself;
// source 1 (not a holder) sends token 0's to replica (1 + 0) mod 2 = 1, rank 2, and token 1's to
// replica (1 + 1) mod 2 = 0, rank 0.
TEST(DispatchPlan, ReplicasShareTheirExpertsRows) {
  const Placement placement{3, {{0, 2}, {1}}};
  const GroupLayout layout{3, {0, 1, 2}};
  model::RoutingBatch batch{2, 1, 2, {0, 0}, {1, 1}, {}};
  std::vector<SourceCounts> sources{count_source(batch, 0, placement, layout),
                                    count_source(batch, 1, placement, layout)};
  batch.experts = {0, 1};
  sources.push_back(count_source(batch, 2, placement, layout));
  const DispatchPlan plan = assemble_plan(sources, placement, layout);
  EXPECT_EQ(plan.rows, (std::vector<int>{2, 0, 0, 1, 0, 1, 0, 1, 1}));
  EXPECT_EQ(plan.rank_expert_rows, (std::vector<std::vector<int>>{{3}, {1}, {2}}));
  EXPECT_EQ(plan.expert_rows, (std::vector<int>{5, 1}));
}

model::RoutingBatch random_batch(base::Rng& rng, int tokens, int top_k) {
  std::vector<std::int32_t> experts;
  for (int token = 0; token < tokens; ++token) {
    std::set<std::int32_t> chosen;
    while (static_cast<int>(chosen.size()) < top_k) {
      chosen.insert(static_cast<std::int32_t>(rng.below(1 + rng.below(8))));
    }
    experts.insert(experts.end(), chosen.begin(), chosen.end());
  }
  return batch_of(top_k, std::move(experts));
}

// INV-1: kept + dropped = tokens x top_k, whatever the capacity; and copies never exceed pairs.
TEST(DispatchPlan, TokensAreConserved) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    base::Rng rng(seed, "dispatch plan test");
    std::vector<SourceCounts> sources;
    const int top_k = 1 + static_cast<int>(rng.below(4));
    std::int64_t routed = 0;
    for (int source = 0; source < 4; ++source) {
      model::RoutingBatch batch = random_batch(rng, static_cast<int>(rng.below(60)), top_k);
      routed += static_cast<std::int64_t>(batch.tokens) * top_k;
      batch.kept = model::kept_pairs(
          batch, 0.25 + rng.uniform(),
          seed % 2 == 0 ? model::TokenDropPolicy::probs : model::TokenDropPolicy::position);
      sources.push_back(count_source(batch, source, kPlacement, kLayout));
    }
    const DispatchPlan plan = assemble_plan(sources, kPlacement, kLayout);
    const auto rows = std::accumulate(plan.rows.begin(), plan.rows.end(), std::int64_t{0});
    const auto by_expert =
        std::accumulate(plan.expert_rows.begin(), plan.expert_rows.end(), std::int64_t{0});
    EXPECT_EQ(rows + plan.dropped_pairs, routed);
    EXPECT_EQ(rows, by_expert);
    EXPECT_EQ(plan.routed_pairs, routed);
    for (std::size_t pair = 0; pair < plan.rows.size(); ++pair) {
      EXPECT_LE(plan.rank_copies[pair], plan.rows[pair]);
    }
  }
}

// The bytes that the simulator puts on the network are those of the buffers that carry real rows:
// the exchange that the sharded MoE layer runs sends exactly the plan's rows, replicas included.
TEST(DispatchPlan, CountsTheRowsThatTheRealBuffersCarry) {
  const Placement placement{4, {{0, 3}, {1}, {0, 1, 2, 3}, {2}, {3}, {0}, {1, 2}, {3}}};
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    base::Rng rng(seed, "buffers test");
    std::vector<model::RoutingBatch> batches;
    std::vector<SourceCounts> sources;
    for (int source = 0; source < 4; ++source) {
      batches.push_back(random_batch(rng, 1 + static_cast<int>(rng.below(60)), 3));
      batches.back().kept = model::kept_pairs(batches.back(), 1.0, model::TokenDropPolicy::probs);
      sources.push_back(count_source(batches.back(), source, placement, kLayout));
    }
    const DispatchPlan plan = assemble_plan(sources, placement, kLayout);
    const model::Exchange exchange = model::plan_exchange(batches, placement);
    EXPECT_EQ(plan.rows, exchange.rows);
    for (int rank = 0; rank < 4; ++rank) {
      EXPECT_EQ(plan.rows_of_rank(rank), exchange.first_row[rank].back());
    }
  }
}

}  // namespace
}  // namespace moesim::sim
