// SPDX-License-Identifier: Apache-2.0
// Executes a step's graph on a network, just in time: an operation is started when the last of its
// predecessors has ended, so the network never holds more than what is running.
#pragma once

#include <functional>

#include "sim/network/network.h"
#include "sim/report/timeline.h"
#include "sim/step/step_graph.h"

namespace moesim::sim {

// Runs the graph from the network's now() on, which counts as 0. `progress(done, all)` is called
// now and then with the number of operations. The network must have nothing else to do.
Timeline execute(const StepGraph& graph, Network& network,
                 const std::function<void(int, int)>& progress = {});

}  // namespace moesim::sim
