// SPDX-License-Identifier: Apache-2.0
// Every fabric that topologies can build, with nodes of round numbers, for comparisons.
#pragma once

#include <string>
#include <vector>

#include "topologies/cluster_config.h"
#include "topologies/routing.h"

namespace moesim::testing {

struct Fabric {
  std::string name;
  topologies::Cluster cluster;
  topologies::RoutingOptions routing;
};

// Each topology at `num_ranks` in {8, 16, 32, 64, 128}. Scale-up 400 GB/s, NICs of 50 GB/s.
std::vector<Fabric> fabrics_of(int num_ranks);

}  // namespace moesim::testing
