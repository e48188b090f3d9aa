// SPDX-License-Identifier: Apache-2.0
// Runs one scenario from its routing to its figures. The only place that knows the step's graph and
// the network that executes it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sim/report/result.h"
#include "sim/report/timeline.h"
#include "sim/routing/routing_source.h"
#include "sim/scenario.h"
#include "sim/step/step_graph.h"
#include "topologies/cluster.h"

namespace moesim::sim {

// How far a run has come: "training the gate", "routing", "simulating".
struct Progress {
  std::string stage;
  int done = 0;
  int all = 0;
};

struct RunOptions {
  int num_threads = 1;  // of routing and training; never changes a result
  std::function<void(const Progress&)> progress;
};

struct Run {
  Result result;
  topologies::Cluster cluster;
  StepGraph graph;
  Timeline timeline;
  RoutingDemand demand;
  std::unique_ptr<RoutingSource> source;  // to record the routing
};

// One run per process for the `collective` and `flow` fidelities (SimGrid's engine is one per
// process). Throws base::Error on input that cannot be simulated.
Run run(const Scenario& scenario, const RunOptions& options = {});

}  // namespace moesim::sim
