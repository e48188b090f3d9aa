// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/case_routing.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/rng.h"
#include "sim/routing/plan_routing.h"
#include "sim/routing/synthetic_routing.h"

namespace moesim::experiments {
namespace {

// Independent scores, uniform in [0, 1): which experts win depends on their order alone, so that
// any continuous distribution gives the same choices. A node's score is that of its best expert.
class GroupLimitedScores final : public sim::RoutingSource {
 public:
  GroupLimitedScores(const sim::RoutingDemand& demand, const sim::GroupLayout& layout, int nodes)
      : demand_(demand), nodes_per_token_(nodes), experts_of_node_(layout.num_nodes) {
    for (int expert = 0; expert < demand.num_experts; ++expert) {
      const int rank = demand.placement.ranks_of_expert[expert].front();
      experts_of_node_[layout.node_of_rank[rank]].push_back(expert);
    }
  }

  std::vector<model::RoutingBatch> route(int, int rank) const override {
    const int tokens = demand_.tokens_per_rank;
    const std::size_t pairs = static_cast<std::size_t>(tokens) * demand_.top_k;
    model::RoutingBatch batch{tokens,
                              demand_.top_k,
                              demand_.num_experts,
                              std::vector<std::int32_t>(pairs),
                              std::vector<float>(pairs, 1.0F / static_cast<float>(demand_.top_k)),
                              {}};
    base::Rng rng(0, "scores rank=" + std::to_string(rank));
    for (int token = 0; token < tokens; ++token) {
      choose(rng, {batch.experts.data() + static_cast<std::size_t>(token) * demand_.top_k,
                   static_cast<std::size_t>(demand_.top_k)});
    }
    return {batch};
  }

  std::string description() const override { return "random scores, group-limited"; }

 private:
  using Scored = std::pair<double, std::int32_t>;

  void choose(base::Rng& rng, std::span<std::int32_t> chosen) const {
    std::vector<double> scores(demand_.num_experts);
    for (double& score : scores) score = rng.uniform();
    std::vector<Scored> nodes;
    for (std::size_t node = 0; node < experts_of_node_.size(); ++node) {
      double best = 0;
      for (const int expert : experts_of_node_[node]) best = std::max(best, scores[expert]);
      nodes.emplace_back(-best, static_cast<std::int32_t>(node));
    }
    std::partial_sort(nodes.begin(), nodes.begin() + nodes_per_token_, nodes.end());
    std::vector<Scored> candidates;
    for (int i = 0; i < nodes_per_token_; ++i) {
      for (const int expert : experts_of_node_[nodes[i].second]) {
        candidates.emplace_back(-scores[expert], expert);
      }
    }
    std::partial_sort(candidates.begin(),
                      candidates.begin() + static_cast<std::ptrdiff_t>(chosen.size()),
                      candidates.end());
    for (std::size_t slot = 0; slot < chosen.size(); ++slot) chosen[slot] = candidates[slot].second;
  }

  const sim::RoutingDemand& demand_;
  int nodes_per_token_;
  std::vector<std::vector<int>> experts_of_node_;
};

void require(bool holds, const MeasuredCase& measured, const std::string& what,
             const std::string& hint) {
  if (!holds) throw base::Error(measured.id, what, hint);
}

sim::RoutingDemand demand_of(const MeasuredCase& measured, int ranks) {
  require(ranks <= measured.num_experts, measured,
          std::to_string(measured.num_experts) + " experts do not fill " + std::to_string(ranks) +
              " ranks",
          "use at most as many ranks as experts");
  sim::RoutingDemand demand;
  demand.num_moe_layers = 1;
  demand.num_experts = measured.num_experts;
  demand.top_k = measured.num_experts_per_tok;
  demand.num_ranks = ranks;
  demand.num_micro_batches = 1;
  demand.tokens_per_rank = measured.tokens_per_rank;
  demand.placement =
      sim::place_experts(sim::ExpertPlacement::contiguous, measured.num_experts, ranks);
  return demand;
}

auto routing_key(const MeasuredCase& measured) {
  return std::tie(measured.num_nodes, measured.ranks, measured.rank_stride,
                  measured.tokens_per_rank, measured.num_experts, measured.num_experts_per_tok,
                  measured.nodes_per_token);
}

}  // namespace

sim::DispatchPlan draw_plan(const MeasuredCase& measured, const sim::Group& group,
                            int num_threads) {
  const sim::RoutingDemand demand = demand_of(measured, static_cast<int>(group.ranks.size()));
  sim::RouterConfig router;
  const sim::RoutingContext context{router, demand, num_threads, {}};
  const int limit = measured.nodes_per_token.value_or(group.layout.num_nodes);
  std::unique_ptr<sim::RoutingSource> source;
  if (limit < group.layout.num_nodes) {
    const int fewest = limit * (demand.num_experts / demand.num_ranks);
    require(demand.top_k <= fewest, measured,
            "nodes_per_token leaves a token fewer experts than it chooses",
            "raise nodes_per_token");
    source = std::make_unique<GroupLimitedScores>(demand, group.layout, limit);
  } else {
    source = sim::make_synthetic_routing({}, context);
  }
  return sim::plan_routing(*source, context, {group.layout})[0][0][0];
}

bool same_routing(const MeasuredCase& a, const MeasuredCase& b) {
  return routing_key(a) == routing_key(b);
}

double mean_rows(const sim::DispatchPlan& plan, CountedRows counted) {
  const std::vector<int>& rows = counted == CountedRows::node_copies   ? plan.node_copies
                                 : counted == CountedRows::rank_copies ? plan.rank_copies
                                                                       : plan.rows;
  const auto total = std::accumulate(rows.begin(), rows.end(), std::int64_t{0});
  return static_cast<double>(total) / plan.num_ranks;
}

}  // namespace moesim::experiments
