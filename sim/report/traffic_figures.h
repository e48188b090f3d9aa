// SPDX-License-Identifier: Apache-2.0
// What a step's collectives put on the wires.
#pragma once

#include <vector>

#include "sim/report/result.h"
#include "sim/report/timeline.h"
#include "sim/step/step_graph.h"
#include "topologies/routing.h"

namespace moesim::sim {

// Of the dispatches and combines, forward and backward.
AllToAllFigures all_to_all_figures(const StepGraph& graph, const Timeline& timeline,
                                   const topologies::Cluster& cluster);

// The `most` links with the highest busy_fraction over the step (ties in link order); all
// collectives count.
std::vector<LinkFigures> hottest_links(const StepGraph& graph, base::Seconds step_time,
                                       topologies::Router& router, int most);

}  // namespace moesim::sim
