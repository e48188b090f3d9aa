// SPDX-License-Identifier: Apache-2.0
// What a step's collectives put on the wires.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "sim/network/network.h"
#include "sim/report/result.h"
#include "sim/report/timeline.h"
#include "sim/step/step_graph.h"
#include "topologies/routing.h"

namespace moesim::sim {

// Of the dispatches and combines, forward and backward.
AllToAllFigures all_to_all_figures(const StepGraph& graph, const Timeline& timeline,
                                   const topologies::Cluster& cluster);

// What all collectives of a step put on links.
struct LinkReport {
  std::vector<LinkFigures> hottest;  // by busy_fraction over the step, ties in link order
  std::vector<TierFigures> tiers;    // scale-up, PCIe, NIC, then the fabric from below
  std::string deciding_tier;         // with the most bound_time_s; "" without traffic
};

// The cluster that a step ran on, as it changed.
struct ChangingCluster {
  topologies::Router& router;              // as it was at first; link_report() lets it change
  std::span<const ClusterChange> changes;  // by time
  base::Seconds start;                     // of the step, in the changes' time
};

// At most `most` hottest links. Each collective's loads are those of the cluster at its start.
LinkReport link_report(const StepGraph& graph, const Timeline& timeline, base::Seconds step_time,
                       const ChangingCluster& changing, int most);

}  // namespace moesim::sim
