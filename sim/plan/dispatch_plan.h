// SPDX-License-Identifier: Apache-2.0
// What one MoE layer's routing means for an expert-parallel group: how many rows go from which rank
// to which, counted from every token's own decision, never from an average.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/dispatch/exchange.h"
#include "sim/plan/placement.h"

namespace moesim::sim {

// Where a group's ranks sit: `node_of_rank[r]` in [0, num_nodes), nodes numbered within the group.
struct GroupLayout {
  int num_nodes = 0;
  std::vector<int> node_of_rank;
};

// One source rank's share of a plan.
struct SourceCounts {
  int tokens = 0;
  std::int64_t routed_pairs = 0;   // (token, expert) pairs before drops
  std::vector<int> expert_demand;  // [experts] the same
  std::vector<int> rank_copies;    // [ranks] distinct tokens with a kept expert there
  std::vector<int> node_copies;    // [nodes] distinct tokens with a kept expert there
  std::vector<int> replica_rows;   // kept pairs of expert 0's ranks, then expert 1's, ...
};

// Counts the batch that the group's rank `source` routed: every kept pair goes where
// model::destinations() sends its row.
SourceCounts count_source(const model::RoutingBatch& batch, int source, const Placement& placement,
                          const GroupLayout& layout);

struct DispatchPlan {
  int num_ranks = 0;
  int num_nodes = 0;
  int num_experts = 0;
  std::int64_t routed_pairs = 0;                   // pairs before drops, over all sources
  std::int64_t dropped_pairs = 0;                  // routed_pairs - sum of rows (INV-1)
  std::vector<int> tokens;                         // [source]
  std::vector<int> rows;                           // [source, destination] kept pairs
  std::vector<int> rank_copies;                    // [source, destination] distinct tokens
  std::vector<int> node_copies;                    // [source, node] distinct tokens
  std::vector<int> expert_rows;                    // [experts] kept pairs
  std::vector<int> expert_demand;                  // [experts] pairs before drops
  std::vector<std::vector<int>> rank_expert_rows;  // [destination][its experts, ascending]

  // Kept pairs that `rank` receives and computes.
  std::int64_t rows_of_rank(int rank) const;
};

// Assembles the group's plan from its sources' counts, in rank order.
DispatchPlan assemble_plan(std::span<const SourceCounts> sources, const Placement& placement,
                           const GroupLayout& layout);

}  // namespace moesim::sim
