// SPDX-License-Identifier: Apache-2.0
// Faults as what a network and an executor understand: links that change at given times, and
// accelerators that compute slower for a while.
#pragma once

#include <vector>

#include "sim/faults/compute_speed.h"
#include "sim/faults/fault.h"
#include "sim/network/network.h"
#include "topologies/cluster.h"

namespace moesim::sim {

struct FaultPlan {
  std::vector<ClusterChange> changes;  // by time
  ComputeSpeed speed;
  int num_faults = 0;  // given and drawn, one for each target
};

// Faults of one link at a time add up: it is up when none keeps it down, its bandwidth is the
// product of their factors, its latency the sum. `faults` is validated. Throws base::Error at
// "/faults/..." when a target names nothing, with the nearest name.
FaultPlan plan_faults(const FaultsConfig& faults, const topologies::Cluster& cluster);

}  // namespace moesim::sim
