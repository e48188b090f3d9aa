// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/single_switch.h"

#include "topologies/builders/node.h"

namespace moesim::topologies {

Cluster build_single_switch(const ClusterConfig& config) {
  Cluster cluster;
  const int fabric_switch = add_fabric_switch(cluster, "switch");
  for (int n = 0; n < config.num_nodes; ++n) {
    for (const int nic : add_node(cluster, config.node)) {
      add_nic_cable(cluster, nic, fabric_switch, config.node);
    }
  }
  return cluster;
}

}  // namespace moesim::topologies
