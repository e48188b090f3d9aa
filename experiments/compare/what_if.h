// SPDX-License-Identifier: Apache-2.0
// Step times under counterfactuals, and of the same batch on other machines.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "experiments/experiment.h"
#include "sim/run.h"

namespace moesim::experiments {

// Batches by what routing asks for: points that differ in nothing else share theirs, so that a gate
// is trained once.
class RoutedSteps {
 public:
  explicit RoutedSteps(sim::RunOptions options) : options_(std::move(options)) {}

  // Stays valid for this object's life. Throws base::Error.
  sim::RoutedStep& of(const sim::Scenario& scenario);

  const sim::RunOptions& options() const { return options_; }

 private:
  sim::RunOptions options_;
  std::map<std::string, std::unique_ptr<sim::RoutedStep>> known_;
};

// Simulates in child processes, one after another, since SimGrid has one engine per process.
class WhatIf {
 public:
  // Both outlive it.
  WhatIf(const sim::Scenario& scenario, RoutedSteps& batches)
      : scenario_(scenario), batches_(batches) {}

  // Seconds. Counterfactuals that are known to be equal are simulated once.
  double step_time(const sim::Counterfactual& counterfactual);
  // The same batch on another machine or with other widths, see sim::run.
  double step_time_as(const sim::Scenario& variant);
  // All figures of the step as it is; simulated once.
  const sim::Result& figures();
  // What `read` makes of the step as it is, in the child process that simulates it.
  std::string read_run(const std::function<std::string(const sim::Run&)>& read);
  // Of the first job, as it is.
  const sim::StepPlans& plans();

 private:
  sim::RunOptions run_options(const sim::Counterfactual& counterfactual) const;
  static double step_time_in_child(sim::RoutedStep& routed, const sim::Scenario& scenario,
                                   const sim::RunOptions& options);

  const sim::Scenario& scenario_;
  RoutedSteps& batches_;
  std::map<sim::Counterfactual, double> known_;
  std::unique_ptr<sim::Result> figures_;
};

}  // namespace moesim::experiments
