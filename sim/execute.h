// SPDX-License-Identifier: Apache-2.0
// Executes steps' graphs on a network, just in time: an operation is started when the last of its
// predecessors has ended, so the network never holds more than what is running.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "sim/faults/compute_speed.h"
#include "sim/network/network.h"
#include "sim/report/timeline.h"
#include "sim/step/step_graph.h"

namespace moesim::sim {

// A graph and when it starts, counted from the network's now(). Graphs that run together have no
// rank in common.
struct TimedGraph {
  const StepGraph* graph = nullptr;
  base::Seconds start;
};

struct ExecuteOptions {
  const ComputeSpeed* speed = nullptr;          // null: every accelerator at its full speed
  std::function<void(int, int)> progress = {};  // (done, all) operations, now and then
};

// Runs all graphs on the one network, which has nothing else to do. Each timeline counts from its
// graph's start; the use of links is all graphs', in each timeline.
std::vector<Timeline> execute(std::span<const TimedGraph> graphs, Network& network,
                              const ExecuteOptions& options = {});

// One graph that starts at once.
Timeline execute(const StepGraph& graph, Network& network, const ExecuteOptions& options = {});

}  // namespace moesim::sim
