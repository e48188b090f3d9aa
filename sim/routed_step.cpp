// SPDX-License-Identifier: Apache-2.0
#include "sim/routed_step.h"

#include <algorithm>
#include <utility>

#include "sim/collectives/participants.h"
#include "sim/plan/even_placement.h"
#include "sim/routing/altered_routing.h"

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

std::function<void(int, int)> stage(const RunOptions& options, const char* name) {
  if (!options.progress) return {};
  return [progress = options.progress, name](int done, int all) { progress({name, done, all}); };
}

// What of a counterfactual the plans hang on.
Counterfactual routing_part(Counterfactual counterfactual) {
  counterfactual.infinite_network = false;
  counterfactual.infinite_compute = false;
  if (counterfactual.balanced_routing) counterfactual.ideal_placement = false;
  return counterfactual;
}

bool drops_something(const StepPlans& plans) {
  for (const auto& layers : plans) {
    for (const auto& groups : layers) {
      for (const DispatchPlan& plan : groups) {
        if (plan.dropped_pairs > 0) return true;
      }
    }
  }
  return false;
}

std::int64_t fullest_rank(const StepPlans& plans, std::size_t layer) {
  std::vector<std::int64_t> loads(plans.front()[layer].front().num_ranks);
  for (const auto& layers : plans) {
    for (const DispatchPlan& plan : layers[layer]) {
      for (int rank = 0; rank < plan.num_ranks; ++rank) loads[rank] += plan.rows_of_rank(rank);
    }
  }
  return *std::max_element(loads.begin(), loads.end());
}

// [MoE layer] The present placement where no other gets the fullest rank emptier.
std::vector<Placement> even_placements(const StepPlans& plans, const Placement& present) {
  std::vector<int> slots;
  for (int rank = 0; rank < present.num_ranks; ++rank) {
    slots.push_back(static_cast<int>(present.experts_of_rank(rank).size()));
  }
  std::vector<Placement> placements;
  for (std::size_t layer = 0; layer < plans.front().size(); ++layer) {
    std::vector<std::int64_t> loads(present.num_experts());
    for (const auto& layers : plans) {
      for (const DispatchPlan& plan : layers[layer]) {
        for (std::size_t e = 0; e < loads.size(); ++e) loads[e] += plan.expert_rows[e];
      }
    }
    const Placement even = even_placement(loads, slots);
    const std::vector<std::int64_t> sums = rank_loads(even, loads);
    const bool is_better = *std::max_element(sums.begin(), sums.end()) < fullest_rank(plans, layer);
    placements.push_back(is_better ? even : present);
  }
  return placements;
}

}  // namespace

struct RoutedStep::RoutedJob {
  RoutingDemand demand;
  std::vector<GroupLayout> layouts;
  std::shared_ptr<RoutingSource> source;
  std::map<Counterfactual, StepPlans> plans;  // by routing_part()
};

RoutedStep::RoutedStep(const Scenario& scenario, RunOptions options)
    : scenario_(scenario), options_(std::move(options)) {
  validate(scenario_);
  jobs_ = jobs_of(scenario_);
  const topologies::Cluster cluster = topologies::build_cluster(scenario_.cluster);
  for (const Job& job : jobs_) {
    auto routed = std::make_unique<RoutedJob>();
    for (const Group& group : expert_groups(cluster, job)) routed->layouts.push_back(group.layout);
    routed->demand = routing_demand(job.scenario, job.sizes);
    RoutingContext context{job.scenario.router, routed->demand, options_.num_threads,
                           stage(options_, "training the gate")};
    context.device = options_.device;
    routed->source = make_routing_source(job.scenario.routing, context);
    routed_.push_back(std::move(routed));
  }
}

RoutedStep::~RoutedStep() = default;
RoutedStep::RoutedStep(RoutedStep&&) noexcept = default;

const RoutingDemand& RoutedStep::demand(std::size_t job) const { return routed_[job]->demand; }

const std::vector<GroupLayout>& RoutedStep::layouts(std::size_t job) const {
  return routed_[job]->layouts;
}

std::shared_ptr<const RoutingSource> RoutedStep::source(std::size_t job) const {
  return routed_[job]->source;
}

const StepPlans& RoutedStep::plans(std::size_t job, const Counterfactual& counterfactual) {
  RoutedJob& routed = *routed_[job];
  const Counterfactual part = routing_part(counterfactual);
  const auto known = routed.plans.find(part);
  if (known != routed.plans.end()) return known->second;

  RouterConfig router = jobs_[job].scenario.router;
  RoutingContext context{router, routed.demand, options_.num_threads, {}};
  std::vector<Placement> placements;
  if (part.ideal_placement) {
    Counterfactual present = part;
    present.ideal_placement = false;
    placements = even_placements(plans(job, present), routed.demand.placement);
    context.layer_placements = placements;
  }
  const bool is_altered =
      part.balanced_routing || (part.no_capacity_limit && routed.source->applies_capacity());
  std::unique_ptr<RoutingSource> altered;
  if (is_altered) {
    altered =
        alter_routing(*routed.source, context, {part.balanced_routing, part.no_capacity_limit});
  } else if (part.no_capacity_limit) {
    // Choices that need no capacity are counted as they are drawn.
    router.gate.capacity_factor.reset();
    router.gate.rank_capacity_factor.reset();
  }
  const RoutingSource& source = is_altered ? *altered : *routed.source;
  return routed.plans
      .emplace(part, plan_routing(source, context, routed.layouts, stage(options_, "routing")))
      .first->second;
}

void RoutedStep::prepare(const Counterfactual& counterfactual) {
  for (std::size_t job = 0; job < jobs_.size(); ++job) plans(job, counterfactual);
}

Counterfactual RoutedStep::simplest(Counterfactual counterfactual) {
  if (counterfactual.balanced_routing) counterfactual.ideal_placement = false;
  if (!counterfactual.no_capacity_limit) return counterfactual;
  Counterfactual with_capacity = routing_part(counterfactual);
  with_capacity.no_capacity_limit = false;
  with_capacity.ideal_placement = false;  // never changes what is kept
  bool drops = false;
  for (std::size_t job = 0; job < jobs_.size(); ++job) {
    drops = drops || drops_something(plans(job, with_capacity));
  }
  counterfactual.no_capacity_limit = drops;
  return counterfactual;
}

}  // namespace moesim::sim
