// SPDX-License-Identifier: Apache-2.0
// Runs one scenario from its routing to its figures. The only place that knows the step's graph and
// the network that executes it.
#pragma once

#include <memory>

#include "sim/report/result.h"
#include "sim/report/timeline.h"
#include "sim/routed_step.h"
#include "sim/run_options.h"
#include "sim/step/step_graph.h"
#include "topologies/cluster.h"

namespace moesim::sim {

struct Run {
  Result result;
  topologies::Cluster cluster;
  StepGraph graph;
  Timeline timeline;
  RoutingDemand demand;
  std::shared_ptr<const RoutingSource> source;  // to record the routing
};

// One run per process for the `collective` and `flow` fidelities (SimGrid's engine is one per
// process). Throws base::Error on input that cannot be simulated.
Run run(const Scenario& scenario, const RunOptions& options = {});

// The same of a batch that has been routed. `scenario` is the one that was routed, or one that
// differs from it only in what routing does not ask for: how fast accelerators and links are, how
// links join the same nodes, collective algorithms and libraries, widths of the model, faults.
// (CHECK: the jobs' sizes and the nodes of their ranks.) Where neither computing nor the network
// takes time the step takes none, and rates are 0.
Run run(RoutedStep& routed, const Scenario& scenario, const RunOptions& options = {});

}  // namespace moesim::sim
