// SPDX-License-Identifier: Apache-2.0
#include "sim/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "sim/execute.h"
#include "sim/faults/fault_plan.h"
#include "sim/job.h"
#include "sim/network/longest_time.h"
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

// Group g is the job's ranks [g * ep, (g + 1) * ep): expert parallelism inside neighbouring nodes.
std::vector<Group> expert_groups(const topologies::Cluster& cluster, const Job& job) {
  const int size = job.sizes.expert_parallel;
  std::vector<Group> groups;
  for (auto first = job.ranks.begin(); first != job.ranks.end(); first += size) {
    groups.push_back(group_of(cluster, {first, first + size}));
  }
  return groups;
}

// What takes less comes from quantities that no machine has: a picosecond.
constexpr base::Seconds kShortestStep(1e-12);

void require_plausible(base::Seconds step) {
  if (step >= kShortestStep && step <= kLongestTime) return;
  throw base::Error(
      "/cluster", fmt::format("the step takes {:.3g} s at least", step.value),
      "one of the cluster's or the accelerator's quantities is far from any machine's");
}

std::function<void(int, int)> stage(const RunOptions& options, const char* name) {
  if (!options.progress) return {};
  return [&options, name](int done, int all) { options.progress({name, done, all}); };
}

// What is known of a job before the network runs.
struct PlannedJob {
  RoutingDemand demand;
  std::unique_ptr<RoutingSource> source;
  StepPlans plans;
  StepGraph graph;
};

// The cost model of each rank's accelerator; equal ones share theirs.
class Costs {
 public:
  Costs(const Scenario& scenario, int num_ranks) {
    for (int rank = 0; rank < num_ranks; ++rank) {
      const topologies::Accelerator& accelerator =
          topologies::accelerator_of_rank(scenario.cluster, rank);
      auto& known = costs_[&accelerator];
      if (known == nullptr) {
        known = std::make_unique<LayerCost>(scenario.model,
                                            computing(accelerator, scenario.comm.protocol),
                                            scenario.training.seq_length);
      }
      of_rank_.push_back(known.get());
    }
  }

  std::span<const LayerCost* const> of_rank() const { return of_rank_; }

 private:
  std::map<const topologies::Accelerator*, std::unique_ptr<LayerCost>> costs_;  // never walked
  std::vector<const LayerCost*> of_rank_;
};

PlannedJob plan_job(const Job& job, topologies::Router& router, const RunOptions& options) {
  const Scenario& scenario = job.scenario;
  const std::vector<Group> groups = expert_groups(router.cluster(), job);
  std::vector<GroupLayout> layouts;
  for (const Group& group : groups) layouts.push_back(group.layout);
  PlannedJob planned;
  planned.demand = routing_demand(scenario, job.sizes);
  const RoutingContext context{scenario.router, planned.demand, options.num_threads,
                               stage(options, "training the gate")};
  planned.source = make_routing_source(scenario.routing, context);
  planned.plans = plan_routing(*planned.source, context, layouts, stage(options, "routing"));
  const Costs costs(scenario, router.cluster().num_ranks());
  planned.graph =
      build_step({scenario.model, costs.of_rank(), router, groups, planned.demand.placement,
                  planned.plans, scenario.training.dispatch_dtype, scenario.comm.all_to_all,
                  scenario.comm.all_reduce, scenario.comm.protocol});
  return planned;
}

// A rank is in one collective at a time, and all of a lone expert-parallel group in the same.
int most_at_once(const std::vector<Job>& jobs) {
  if (jobs.size() == 1 && jobs.front().sizes.num_groups == 1) return 1;
  int most = 0;
  for (const Job& job : jobs) most += job.sizes.num_ranks;
  return most;
}

// A router of its own for who changes links; else the healthy cluster's, which remembers routes.
class RouterToChange {
 public:
  RouterToChange(topologies::Router& healthy, bool changes) : healthy_(healthy) {
    if (changes) own_.emplace(healthy);
  }

  topologies::Router& get() { return own_ ? *own_ : healthy_; }

 private:
  topologies::Router& healthy_;
  std::optional<topologies::Router> own_;
};

JobFigures job_figures(const Job& job, const Result& result) {
  return {job.name,
          job.start.value,
          job.sizes.num_ranks,
          result.step_time_s,
          result.analytic_floor_s,
          result.tokens_per_s,
          result.exposed_communication_s,
          result.drop_rate};
}

}  // namespace

Run run(const Scenario& scenario, const RunOptions& options) {
  validate(scenario);
  const std::vector<Job> jobs = jobs_of(scenario);
  Run run;
  run.cluster = achieved(topologies::build_cluster(scenario.cluster), scenario.comm.protocol);
  const FaultPlan faults = plan_faults(scenario.faults, run.cluster);
  topologies::Router router(run.cluster, topologies::routing_options(scenario.cluster));
  std::vector<PlannedJob> planned;
  for (const Job& job : jobs) planned.push_back(plan_job(job, router, options));
  std::vector<TimedGraph> graphs;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    graphs.push_back({&planned[j].graph, jobs[j].start});
  }

  // The floor is that of a cluster where nothing goes wrong.
  const auto floor_network =
      make_network(Fidelity::analytic, router, {.num_threads = options.num_threads});
  const std::vector<Timeline> floors = execute(graphs, *floor_network);
  for (const Timeline& floor : floors) require_plausible(floor.end);
  RouterToChange changing(router, !faults.changes.empty());
  const auto network = make_network(scenario.network.fidelity, changing.get(),
                                    {most_at_once(jobs), options.num_threads});
  for (const ClusterChange& change : faults.changes) network->plan_change(change);
  std::vector<Timeline> timelines =
      execute(graphs, *network, {&faults.speed, stage(options, "simulating")});

  for (std::size_t j = 0; j < jobs.size(); ++j) {
    RouterToChange replayed(router, !faults.changes.empty());
    Result result = compute_result({jobs[j].scenario,
                                    jobs[j].sizes,
                                    *planned[j].source,
                                    planned[j].demand.placement,
                                    planned[j].plans,
                                    planned[j].graph,
                                    timelines[j],
                                    {replayed.get(), faults.changes, jobs[j].start},
                                    floors[j].end});
    if (j == 0) run.result = result;
    if (!scenario.jobs.empty()) run.result.jobs.push_back(job_figures(jobs[j], result));
  }
  run.result.faults = faults.num_faults;
  run.result.repetition = {network->repetition().collectives, network->repetition().worked_out};
  run.graph = std::move(planned.front().graph);
  run.timeline = std::move(timelines.front());
  run.demand = std::move(planned.front().demand);
  run.source = std::move(planned.front().source);
  return run;
}

}  // namespace moesim::sim
