// SPDX-License-Identifier: Apache-2.0
// A scenario whose tokens have chosen their experts, before anything is timed: the one batch that a
// step and all its counterfactuals share. Gates are trained once, each plan is made once.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "sim/job.h"
#include "sim/routing/plan_routing.h"
#include "sim/run_options.h"

namespace moesim::sim {

class RoutedStep {
 public:
  // Validates, and makes the routing sources of all jobs. Throws base::Error. What `options` says
  // of a counterfactual is not asked.
  RoutedStep(const Scenario& scenario, RunOptions options);
  ~RoutedStep();
  RoutedStep(RoutedStep&&) noexcept;

  const Scenario& scenario() const { return scenario_; }
  const std::vector<Job>& jobs() const { return jobs_; }
  const RoutingDemand& demand(std::size_t job) const;
  const std::vector<GroupLayout>& layouts(std::size_t job) const;  // [group]
  std::shared_ptr<const RoutingSource> source(std::size_t job) const;

  // The job's plans under what `counterfactual` says of routing, capacity and placement; made when
  // they are first asked for. They stay valid for this object's life.
  const StepPlans& plans(std::size_t job, const Counterfactual& counterfactual);
  // Makes the plans of all jobs, so that a child process finds them.
  void prepare(const Counterfactual& counterfactual);

  // The counterfactual with what changes nothing here taken out (drops undone where there are none,
  // ...), so that equal steps have equal ones. Makes the plans that it needs to know.
  Counterfactual simplest(Counterfactual counterfactual);

 private:
  struct RoutedJob;

  Scenario scenario_;
  RunOptions options_;
  std::vector<Job> jobs_;
  std::vector<std::unique_ptr<RoutedJob>> routed_;
};

}  // namespace moesim::sim
