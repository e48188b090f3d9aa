// SPDX-License-Identifier: Apache-2.0
#include "sim/plan/dispatch_plan.h"

#include <algorithm>
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

// [experts + 1] where each expert's replicas begin in SourceCounts::replica_rows.
std::vector<std::size_t> first_replicas(const Placement& placement) {
  std::vector<std::size_t> first{0};
  for (const std::vector<int>& ranks : placement.ranks_of_expert) {
    first.push_back(first.back() + ranks.size());
  }
  return first;
}

std::size_t replica_on(const std::vector<int>& ranks, int rank) {
  return std::lower_bound(ranks.begin(), ranks.end(), rank) - ranks.begin();
}

// Adds one source's rows to the plan's, per destination and per expert.
void add_rows(const SourceCounts& counts, const Placement& placement, int source,
              DispatchPlan& plan) {
  auto rows = counts.replica_rows.begin();
  for (int expert = 0; expert < plan.num_experts; ++expert) {
    for (const int rank : placement.ranks_of_expert[expert]) {
      plan.rows[source * plan.num_ranks + rank] += *rows;
      plan.expert_rows[expert] += *rows++;
    }
    plan.expert_demand[expert] += counts.expert_demand[expert];
  }
}

// [rank][its experts, ascending] kept pairs of all sources.
std::vector<std::vector<int>> rows_by_holder(std::span<const SourceCounts> sources,
                                             const Placement& placement) {
  std::vector<std::vector<int>> rows(placement.num_ranks);
  std::size_t replica = 0;
  for (const std::vector<int>& ranks : placement.ranks_of_expert) {
    for (const int rank : ranks) {
      int sum = 0;
      for (const SourceCounts& counts : sources) sum += counts.replica_rows[replica];
      rows[rank].push_back(sum);
      ++replica;
    }
  }
  return rows;
}

}  // namespace

SourceCounts count_source(const model::RoutingBatch& batch, int source, const Placement& placement,
                          const GroupLayout& layout) {
  SourceCounts counts;
  counts.tokens = batch.tokens;
  counts.expert_demand.assign(batch.num_experts, 0);
  counts.rank_copies.assign(placement.num_ranks, 0);
  counts.node_copies.assign(layout.num_nodes, 0);
  const std::vector<int> destination = model::destinations(batch, placement, source);
  const std::vector<std::size_t> first = first_replicas(placement);
  counts.replica_rows.assign(first.back(), 0);
  SeenPerToken seen_rank(placement.num_ranks);
  SeenPerToken seen_node(layout.num_nodes);
  for (std::size_t pair = 0; pair < destination.size(); ++pair) {
    const int expert = batch.experts[pair];
    if (expert == model::kNoExpert) continue;
    ++counts.routed_pairs;
    ++counts.expert_demand[expert];
    const int rank = destination[pair];
    if (rank < 0) continue;
    ++counts.replica_rows[first[expert] + replica_on(placement.ranks_of_expert[expert], rank)];
    const int token = static_cast<int>(pair) / batch.top_k;
    if (!seen_rank.first_time(rank, token)) continue;
    ++counts.rank_copies[rank];
    const int node = layout.node_of_rank[rank];
    if (seen_node.first_time(node, token)) ++counts.node_copies[node];
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
    add_rows(counts, placement, source, plan);
    plan.rank_copies.insert(plan.rank_copies.end(), counts.rank_copies.begin(),
                            counts.rank_copies.end());
    plan.node_copies.insert(plan.node_copies.end(), counts.node_copies.begin(),
                            counts.node_copies.end());
  }
  plan.rank_expert_rows = rows_by_holder(sources, placement);
  plan.dropped_pairs =
      plan.routed_pairs - std::accumulate(plan.rows.begin(), plan.rows.end(), std::int64_t{0});
  return plan;
}

}  // namespace moesim::sim
