// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/what_if.h"

#include "experiments/runs/child_process.h"
#include "sim/run.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

// What routing asks for: sections as text, and the nodes that ranks sit in.
std::string key_of(const sim::Scenario& scenario) {
  std::string key;
  const auto add = [&key](const JsonValue& section) {
    key += to_text(section, base::JsonStyle::compact) + "\n";
  };
  add(base::to_json(scenario.model));
  add(base::to_json(scenario.training));
  add(base::to_json(scenario.parallel));
  add(base::to_json(scenario.router));
  add(base::to_json(scenario.routing));
  for (const sim::JobConfig& job : scenario.jobs) add(base::to_json(job));
  const topologies::Cluster cluster = topologies::build_cluster(scenario.cluster);
  for (int rank = 0; rank < cluster.num_ranks(); ++rank) {
    key += std::to_string(cluster.node_of_rank(rank)) + " ";
  }
  return key;
}

}  // namespace

sim::RoutedStep& RoutedSteps::of(const sim::Scenario& scenario) {
  std::unique_ptr<sim::RoutedStep>& routed = known_[key_of(scenario)];
  if (routed == nullptr) routed = std::make_unique<sim::RoutedStep>(scenario, options_);
  return *routed;
}

double WhatIf::step_time(const sim::Counterfactual& counterfactual) {
  sim::RoutedStep& routed = batches_.of(scenario_);
  const sim::Counterfactual simplest = routed.simplest(counterfactual);
  if (simplest == sim::Counterfactual{}) return figures().step_time_s;
  // Whatever else is changed, nothing is left that takes time.
  if (simplest.infinite_network && simplest.infinite_compute) return 0;
  const auto known = known_.find(simplest);
  if (known != known_.end()) return known->second;
  routed.prepare(simplest);
  return known_[simplest] = step_time_in_child(routed, scenario_, run_options(simplest));
}

double WhatIf::step_time_as(const sim::Scenario& variant) {
  sim::RoutedStep& routed = batches_.of(scenario_);
  routed.prepare({});
  return step_time_in_child(routed, variant, run_options({}));
}

const sim::Result& WhatIf::figures() {
  if (figures_ != nullptr) return *figures_;
  const std::string text =
      read_run([](const sim::Run& run) { return to_text(base::to_json(run.result)); });
  figures_ = std::make_unique<sim::Result>();
  base::ReadReport report;
  base::read_json(base::parse_json(text, "child process"), *figures_, report);
  return *figures_;
}

std::string WhatIf::read_run(const std::function<std::string(const sim::Run&)>& read) {
  sim::RoutedStep& routed = batches_.of(scenario_);
  routed.prepare({});
  return in_child_process([&] { return read(run(routed, scenario_, run_options({}))); });
}

const sim::StepPlans& WhatIf::plans() { return batches_.of(scenario_).plans(0, {}); }

sim::RunOptions WhatIf::run_options(const sim::Counterfactual& counterfactual) const {
  sim::RunOptions options;  // without progress: a child has nobody to tell
  options.num_threads = batches_.options().num_threads;
  options.counterfactual = counterfactual;
  return options;
}

double WhatIf::step_time_in_child(sim::RoutedStep& routed, const sim::Scenario& scenario,
                                  const sim::RunOptions& options) {
  const std::string text = in_child_process(
      [&] { return to_text(base::json_of(run(routed, scenario, options).result.step_time_s)); });
  return base::parse_json(text, "child process").number;
}

}  // namespace moesim::experiments
