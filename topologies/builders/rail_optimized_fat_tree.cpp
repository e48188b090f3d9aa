// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/rail_optimized_fat_tree.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "topologies/builders/node.h"

namespace moesim::topologies {
void check_fat_tree(const Fabric& fabric) {
  if (fabric.nodes_per_leaf < 1) {
    throw base::Error("/cluster/fabric/nodes_per_leaf", "a leaf joins at least 1 node",
                      "set it to half the ports of the switch, as 32");
  }
  if (!std::isfinite(fabric.oversubscription) || fabric.oversubscription < 1) {
    throw base::Error("/cluster/fabric/oversubscription", "a fat tree's is at least 1",
                      "1 is full bisection, 2 is half");
  }
  if (fabric.oversubscription > fabric.nodes_per_leaf) {
    throw base::Error(
        "/cluster/fabric/oversubscription",
        "leaves of " + std::to_string(fabric.nodes_per_leaf) + " nodes have less than one uplink",
        "at most " + std::to_string(fabric.nodes_per_leaf) + ", or more nodes_per_leaf");
  }
  if (!std::isfinite(fabric.switch_latency.value) || fabric.switch_latency.value < 0) {
    throw base::Error("/cluster/fabric/switch_latency", "a latency is at least 0",
                      "give it as \"0.9 us\"");
  }
}

Cluster build_rail_optimized_fat_tree(const ClusterConfig& config) {
  const Fabric& fabric = config.fabric;
  const int rails = config.node.accelerators_per_node;
  const int nodes_per_pod = std::min(fabric.nodes_per_leaf, config.num_nodes);
  const int num_pods = (config.num_nodes - 1) / nodes_per_pod + 1;
  const double nics_up = nodes_per_pod / fabric.oversubscription;
  // Less a hair, since 30 / 1.2 comes out above 25.
  const int num_spines = static_cast<int>(std::ceil(nics_up - 1e-9));

  Cluster cluster;
  std::vector<int> leaves;
  std::vector<int> spines;
  for (int i = 0; i < num_pods * rails; ++i) {
    leaves.push_back(add_fabric_switch(cluster, "leaf" + std::to_string(i)));
  }
  for (int i = 0; i < num_spines; ++i) {
    spines.push_back(add_fabric_switch(cluster, "spine" + std::to_string(i)));
  }
  for (int node = 0; node < config.num_nodes; ++node) {
    const std::vector<int> nics = add_node(cluster, config.node);
    const int first_leaf = node / nodes_per_pod * rails;
    for (int rail = 0; rail < rails; ++rail) {
      add_nic_cable(cluster, nics[rail], leaves[first_leaf + rail], config.node);
    }
  }
  const Cable uplink{LinkKind::fabric, config.node.nic_bandwidth * (nics_up / num_spines),
                     fabric.switch_latency / 2};
  for (const int leaf : leaves) {
    for (const int spine : spines) add_cable(cluster, leaf, spine, uplink);
  }
  return cluster;
}

}  // namespace moesim::topologies
