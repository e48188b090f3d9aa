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

// Every topology, some of them with more than one routing policy or oversubscription, at
// `num_ranks` in {8, 16, 32, 64, 128}: 4, 8, 8, 8 and 16 nodes. Scale-up 400 GB/s, NICs of 50 GB/s.
std::vector<Fabric> fabrics_of(int num_ranks);

// The one of them with this name.
Fabric fabric_of(const std::string& name, int num_ranks);

// The topologies that fabrics_of builds, each once.
std::vector<topologies::Topology> topologies_of_fabrics();

}  // namespace moesim::testing
