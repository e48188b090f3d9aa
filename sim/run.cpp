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

// The cost model of each rank's accelerator; equal ones share theirs.
class Costs {
 public:
  Costs(const Scenario& scenario, int num_ranks, CostTables& tables) {
    for (int rank = 0; rank < num_ranks; ++rank) {
      const topologies::Accelerator& accelerator =
          topologies::accelerator_of_rank(scenario.cluster, rank);
      auto& known = costs_[&accelerator];
      if (known == nullptr) {
        known = std::make_unique<LayerCost>(
            scenario.model, computing(accelerator, scenario.comm.protocol),
            scenario.training.seq_length, table_cost(scenario, accelerator, tables));
      }
      of_rank_.push_back(known.get());
    }
  }

  std::span<const LayerCost* const> of_rank() const { return of_rank_; }

 private:
  static std::shared_ptr<const TableCost> table_cost(const Scenario& scenario,
                                                     const topologies::Accelerator& accelerator,
                                                     CostTables& tables) {
    if (scenario.cost.source != CostSource::table) return nullptr;
    return std::make_shared<TableCost>(tables.of(accelerator), scenario.cost.clocks,
                                       scenario.comm.protocol.reserved_sms);
  }

  std::map<const topologies::Accelerator*, std::unique_ptr<LayerCost>> costs_;  // never walked
  std::vector<const LayerCost*> of_rank_;
};

StepGraph graph_of(const Job& job, const Placement& placement, const StepPlans& plans,
                   topologies::Router& router, CostTables& tables) {
  const Scenario& scenario = job.scenario;
  const std::vector<Group> groups = expert_groups(router.cluster(), job);
  const Costs costs(scenario, router.cluster().num_ranks(), tables);
  return build_step({scenario.model, costs.of_rank(), router, groups, placement, plans,
                     scenario.training.dispatch_dtype, scenario.comm.all_to_all,
                     scenario.comm.all_reduce, scenario.comm.protocol});
}

// Takes the time out of what costs none: computations, or collectives, whose ranks still wait for
// each other.
void idealise(const Counterfactual& counterfactual, StepGraph& graph) {
  if (counterfactual.infinite_compute) {
    for (Op& op : graph.ops) op.duration = base::Seconds(0);
  }
  if (!counterfactual.infinite_network) return;
  for (Collective& collective : graph.collectives) {
    Collective free;
    free.name = std::move(collective.name);
    free.ranks = std::move(collective.ranks);
    free.payload = collective.payload;
    collective = std::move(free);
  }
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

// What a step runs on.
struct Machine {
  explicit Machine(const Scenario& scenario)
      : cluster(achieved(topologies::build_cluster(scenario.cluster), scenario.comm.protocol)),
        faults(plan_faults(scenario.faults, cluster)),
        router(cluster, topologies::routing_options(scenario.cluster)) {}

  topologies::Cluster cluster;
  FaultPlan faults;
  topologies::Router router;
  CostTables cost_tables;
};

// The batch is the one that `jobs` would route.
void check_batch(const RoutedStep& routed, const std::vector<Job>& jobs,
                 const topologies::Cluster& cluster) {
  CHECK(routed.jobs().size() == jobs.size(), "the jobs are those that were routed");
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    const RoutingDemand& demand = routed.demand(j);
    const model::ModelSpec& model = jobs[j].scenario.model;
    CHECK(routed.jobs()[j].ranks == jobs[j].ranks &&
              jobs[j].sizes.num_micro_batches == demand.num_micro_batches &&
              jobs[j].sizes.tokens_per_rank == demand.tokens_per_rank &&
              jobs[j].sizes.expert_parallel == demand.placement.num_ranks &&
              model.num_moe_layers() == demand.num_moe_layers &&
              model.num_experts == demand.num_experts && model.num_experts_per_tok == demand.top_k,
          "the sizes are those that were routed");
    const std::vector<Group> groups = expert_groups(cluster, jobs[j]);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      CHECK(groups[g].layout.node_of_rank == routed.layouts(j)[g].node_of_rank,
            "ranks share nodes as they did when they were routed");
    }
  }
}

Run run_on(Machine& machine, RoutedStep& routed, const Scenario& scenario,
           const RunOptions& options) {
  const Counterfactual& what_if = options.counterfactual;
  const std::vector<Job> jobs = jobs_of(scenario);
  check_batch(routed, jobs, machine.cluster);
  if (what_if.infinite_network) machine.faults.changes.clear();
  const std::vector<ClusterChange>& changes = machine.faults.changes;
  std::vector<StepGraph> step_graphs;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    step_graphs.push_back(graph_of(jobs[j], routed.demand(j).placement, routed.plans(j, what_if),
                                   machine.router, machine.cost_tables));
    idealise(what_if, step_graphs.back());
  }
  std::vector<TimedGraph> graphs;
  for (std::size_t j = 0; j < jobs.size(); ++j) graphs.push_back({&step_graphs[j], jobs[j].start});

  // The floor is that of a cluster where nothing goes wrong.
  const auto floor_network =
      make_network(Fidelity::analytic, machine.router, {.num_threads = options.num_threads});
  const std::vector<Timeline> floors = execute(graphs, *floor_network);
  const bool takes_time = !what_if.infinite_network || !what_if.infinite_compute;
  for (const Timeline& floor : floors) {
    if (takes_time) require_plausible(floor.end);
  }
  RouterToChange changing(machine.router, !changes.empty());
  // Where nothing moves, all fidelities are one.
  const Fidelity fidelity =
      what_if.infinite_network ? Fidelity::analytic : scenario.network.fidelity;
  const auto network =
      make_network(fidelity, changing.get(), {most_at_once(jobs), options.num_threads});
  for (const ClusterChange& change : changes) network->plan_change(change);
  std::vector<Timeline> timelines =
      execute(graphs, *network, {&machine.faults.speed, stage(options, "simulating")});

  Run run;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    RouterToChange replayed(machine.router, !changes.empty());
    Result result = compute_result({jobs[j].scenario,
                                    jobs[j].sizes,
                                    *routed.source(j),
                                    routed.demand(j).placement,
                                    routed.plans(j, what_if),
                                    step_graphs[j],
                                    timelines[j],
                                    {replayed.get(), changes, jobs[j].start},
                                    floors[j].end,
                                    machine.cost_tables});
    if (j == 0) run.result = result;
    if (!scenario.jobs.empty()) run.result.jobs.push_back(job_figures(jobs[j], result));
  }
  run.result.faults = machine.faults.num_faults;
  run.result.repetition = {network->repetition().collectives, network->repetition().worked_out};
  run.cluster = machine.cluster;
  run.graph = std::move(step_graphs.front());
  run.timeline = std::move(timelines.front());
  run.demand = routed.demand(0);
  run.source = routed.source(0);
  return run;
}

}  // namespace

Run run(const Scenario& scenario, const RunOptions& options) {
  validate(scenario);
  Machine machine(scenario);  // what is wrong with it is known before a gate is trained
  RoutedStep routed(scenario, options);
  return run_on(machine, routed, scenario, options);
}

Run run(RoutedStep& routed, const Scenario& scenario, const RunOptions& options) {
  validate(scenario);
  Machine machine(scenario);
  return run_on(machine, routed, scenario, options);
}

}  // namespace moesim::sim
