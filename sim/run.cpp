// SPDX-License-Identifier: Apache-2.0
#include "sim/run.h"

#include <fmt/format.h>

#include <map>
#include <string>

#include "base/error.h"
#include "sim/execute.h"
#include "sim/report/metrics.h"
#include "sim/routing/plan_routing.h"
#include "sim/step/step_builder.h"

namespace moesim::sim {
namespace {

RoutingDemand routing_demand(const Scenario& scenario, const Sizes& sizes) {
  RoutingDemand demand;
  demand.num_moe_layers = scenario.model.num_moe_layers();
  demand.num_experts = scenario.model.num_experts;
  demand.top_k = scenario.model.num_experts_per_tok;
  demand.num_ranks = sizes.num_ranks;
  demand.num_micro_batches = sizes.num_micro_batches;
  demand.tokens_per_rank = sizes.tokens_per_rank;
  demand.placement = place_experts(scenario.parallel.expert_placement, scenario.model.num_experts,
                                   sizes.expert_parallel);
  return demand;
}

// Group g is the ranks [g * ep, (g + 1) * ep): expert parallelism inside neighbouring nodes.
std::vector<Group> expert_groups(const topologies::Cluster& cluster, const Sizes& sizes) {
  std::vector<Group> groups(sizes.num_groups);
  std::map<int, int> ranks_of_node;
  for (int rank = 0; rank < sizes.num_ranks; ++rank) {
    const int node = cluster.node_of_rank(rank);
    Group& group = groups[rank / sizes.expert_parallel];
    const bool new_node = group.ranks.empty() || cluster.node_of_rank(group.ranks.back()) != node;
    if (new_node) ++group.layout.num_nodes;
    group.ranks.push_back(rank);
    group.local_index.push_back(ranks_of_node[node]++);
    group.layout.node_of_rank.push_back(group.layout.num_nodes - 1);
  }
  return groups;
}

// Times outside of what a step can take come from quantities that no machine has, and would
// overflow downstream: 30 years, and a picosecond.
constexpr double kLongestStep = 1e9;
constexpr double kShortestStep = 1e-12;

void require_plausible(base::Seconds step) {
  if (step.value >= kShortestStep && step.value <= kLongestStep) return;
  throw base::Error(
      "/cluster", fmt::format("the step takes {:.3g} s at least", step.value),
      "one of the cluster's or the accelerator's quantities is far from any machine's");
}

std::function<void(int, int)> stage(const RunOptions& options, const char* name) {
  if (!options.progress) return {};
  return [&options, name](int done, int all) { options.progress({name, done, all}); };
}

}  // namespace

Run run(const Scenario& scenario, const RunOptions& options) {
  const Sizes sizes = validate(scenario);
  Run run;
  const Protocol& protocol = scenario.comm.protocol;
  run.cluster = achieved(topologies::build_cluster(scenario.cluster), protocol);
  topologies::Router router(run.cluster, topologies::routing_options(scenario.cluster));
  const std::vector<Group> groups = expert_groups(run.cluster, sizes);
  std::vector<GroupLayout> layouts;
  for (const Group& group : groups) layouts.push_back(group.layout);

  run.demand = routing_demand(scenario, sizes);
  const RoutingContext context{scenario.router, run.demand, options.num_threads,
                               stage(options, "training the gate")};
  run.source = make_routing_source(scenario.routing, context);
  const StepPlans plans = plan_routing(*run.source, context, layouts, stage(options, "routing"));

  const LayerCost cost(scenario.model,
                       computing(topologies::accelerator_of_rank(scenario.cluster, 0), protocol),
                       scenario.training.seq_length);
  run.graph = build_step({scenario.model, cost, router, groups, run.demand.placement, plans,
                          scenario.training.dispatch_dtype, scenario.comm.all_to_all,
                          scenario.comm.all_reduce, protocol});

  const auto floor_network = make_network(Fidelity::analytic, router);
  const base::Seconds floor = execute(run.graph, *floor_network).end;
  require_plausible(floor);
  const auto network = make_network(scenario.network.fidelity, router);
  run.timeline = execute(run.graph, *network, stage(options, "simulating"));
  run.result = compute_result({scenario, sizes, *run.source, run.demand.placement, plans, run.graph,
                               run.timeline, router, floor});
  return run;
}

}  // namespace moesim::sim
