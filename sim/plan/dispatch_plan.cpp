// SPDX-License-Identifier: Apache-2.0
#include "sim/plan/dispatch_plan.h"

#include <numeric>

#include "base/check.h"

namespace moesim::sim {
namespace {

// Remembers which of a few places a token was already counted for, without clearing between tokens.
class SeenPerToken {
 public:
  explicit SeenPerToken(int places) : last_token_(places, -1) {}
  bool first_time(int place, int token) {
    if (last_token_[place] == token) return false;
    last_token_[place] = token;
    return true;
  }

 private:
  std::vector<int> last_token_;
};

}  // namespace

SourceCounts count_source(const model::RoutingBatch& batch, std::span<const std::uint8_t> kept,
                          const Placement& placement, const GroupLayout& layout) {
  CHECK(batch.num_experts == placement.num_experts(),
        "routing and placement know the same experts");
  SourceCounts counts;
  counts.tokens = batch.tokens;
  counts.routed_pairs = static_cast<std::int64_t>(batch.tokens) * batch.top_k;
  counts.expert_rows.assign(batch.num_experts, 0);
  counts.expert_demand.assign(batch.num_experts, 0);
  counts.rank_copies.assign(placement.num_ranks, 0);
  counts.node_copies.assign(layout.num_nodes, 0);
  SeenPerToken seen_rank(placement.num_ranks);
  SeenPerToken seen_node(layout.num_nodes);
  std::size_t pair = 0;
  for (int token = 0; token < batch.tokens; ++token) {
    for (int slot = 0; slot < batch.top_k; ++slot, ++pair) {
      const int expert = batch.experts[pair];
      ++counts.expert_demand[expert];
      if (!kept.empty() && kept[pair] == 0) continue;
      ++counts.expert_rows[expert];
      const int rank = placement.rank_of_expert[expert];
      if (!seen_rank.first_time(rank, token)) continue;
      ++counts.rank_copies[rank];
      const int node = layout.node_of_rank[rank];
      if (seen_node.first_time(node, token)) ++counts.node_copies[node];
    }
  }
  return counts;
}

std::int64_t DispatchPlan::rows_of_rank(int rank) const {
  const std::vector<int>& mine = rank_expert_rows[rank];
  return std::accumulate(mine.begin(), mine.end(), std::int64_t{0});
}

DispatchPlan assemble_plan(std::span<const SourceCounts> sources, const Placement& placement,
                           const GroupLayout& layout) {
  const int ranks = placement.num_ranks;
  CHECK(static_cast<int>(sources.size()) == ranks, "every rank of the group is a source");
  DispatchPlan plan;
  plan.num_ranks = ranks;
  plan.num_nodes = layout.num_nodes;
  plan.num_experts = placement.num_experts();
  plan.rows.assign(static_cast<std::size_t>(ranks) * ranks, 0);
  plan.expert_rows.assign(plan.num_experts, 0);
  plan.expert_demand.assign(plan.num_experts, 0);
  for (int source = 0; source < ranks; ++source) {
    const SourceCounts& counts = sources[source];
    plan.tokens.push_back(counts.tokens);
    plan.routed_pairs += counts.routed_pairs;
    for (int expert = 0; expert < plan.num_experts; ++expert) {
      plan.rows[source * ranks + placement.rank_of_expert[expert]] += counts.expert_rows[expert];
      plan.expert_rows[expert] += counts.expert_rows[expert];
      plan.expert_demand[expert] += counts.expert_demand[expert];
    }
    plan.rank_copies.insert(plan.rank_copies.end(), counts.rank_copies.begin(),
                            counts.rank_copies.end());
    plan.node_copies.insert(plan.node_copies.end(), counts.node_copies.begin(),
                            counts.node_copies.end());
  }
  plan.rank_expert_rows.resize(ranks);
  for (int expert = 0; expert < plan.num_experts; ++expert) {
    plan.rank_expert_rows[placement.rank_of_expert[expert]].push_back(plan.expert_rows[expert]);
  }
  plan.dropped_pairs =
      plan.routed_pairs - std::accumulate(plan.rows.begin(), plan.rows.end(), std::int64_t{0});
  return plan;
}

}  // namespace moesim::sim
