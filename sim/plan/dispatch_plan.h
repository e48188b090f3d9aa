// SPDX-License-Identifier: Apache-2.0
// What one MoE layer's routing means for an expert-parallel group: how many rows go from which rank
// to which, counted from every token's own decision, never from an average.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/router/routing_batch.h"
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
  std::int64_t routed_pairs = 0;   // tokens x top_k
  std::vector<int> expert_rows;    // [experts] kept (token, expert) pairs
  std::vector<int> expert_demand;  // [experts] pairs before drops
  std::vector<int> rank_copies;    // [ranks] distinct tokens with a kept expert there
  std::vector<int> node_copies;    // [nodes] distinct tokens with a kept expert there
};

// Counts one source's batch. `kept` is model::kept_pairs' answer (empty: all kept).
SourceCounts count_source(const model::RoutingBatch& batch, std::span<const std::uint8_t> kept,
                          const Placement& placement, const GroupLayout& layout);

struct DispatchPlan {
  int num_ranks = 0;
  int num_nodes = 0;
  int num_experts = 0;
  std::int64_t routed_pairs = 0;                   // tokens x top_k over all sources
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
