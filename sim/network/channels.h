// SPDX-License-Identifier: Apache-2.0
// Links in series: whatever crosses one of them crosses all, as from an accelerator to its NIC and
// on to the leaf. They share one constraint, the tightest one's, which makes the solver's problem
// smaller and its answer no different: SimGrid's work grows with the square of a task's links.
#pragma once

#include <vector>

#include "topologies/cluster.h"

namespace moesim::sim {

// [links] the link that stands for each link's channel: the one with the least bandwidth, of equal
// ones the first. Links that stand alone stand for themselves. Holds for routes that never return
// to the vertex they come from, as shortest routes do.
std::vector<int> channels_of(const topologies::Cluster& cluster);

}  // namespace moesim::sim
