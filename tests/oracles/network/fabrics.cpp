// SPDX-License-Identifier: Apache-2.0
#include "tests/oracles/network/fabrics.h"

#include "tests/support/example_cluster.h"

namespace moesim::testing {
namespace {

using topologies::ClusterConfig;
using topologies::Topology;

// Few ranks still make several nodes.
int accelerators_per_node(int num_ranks) { return num_ranks < 32 ? 2 : num_ranks < 64 ? 4 : 8; }

ClusterConfig config_of(Topology topology, int num_ranks) {
  const int per_node = accelerators_per_node(num_ranks);
  return example_config(topology, num_ranks / per_node, per_node);
}

Fabric built(std::string name, const ClusterConfig& config) {
  return {std::move(name), build_cluster(config), {}};
}

}  // namespace

std::vector<Fabric> fabrics_of(int num_ranks) {
  std::vector<Fabric> fabrics;
  fabrics.push_back(built("single_switch", config_of(Topology::single_switch, num_ranks)));
  ClusterConfig rails = config_of(Topology::rail_optimized_fat_tree, num_ranks);
  rails.fabric.nodes_per_leaf = rails.num_nodes / 4;
  fabrics.push_back(built("rail_optimized_fat_tree", rails));
  rails.fabric.nodes_per_leaf = rails.num_nodes / 2;
  rails.fabric.oversubscription = 2;
  fabrics.push_back(built("rail_optimized_fat_tree 2:1", rails));
  return fabrics;
}

}  // namespace moesim::testing
