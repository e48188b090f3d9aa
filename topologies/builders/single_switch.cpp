// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/single_switch.h"

#include "topologies/builders/node.h"

namespace moesim::topologies {

Cluster build_single_switch(const ClusterConfig& config) {
  Cluster cluster;
  const int fabric_switch = add_fabric_switch(cluster, "switch");
  add_nodes(cluster, config, [&](const PlacedNode& node) {
    for (const int nic : node.nics) add_nic_cable(cluster, nic, fabric_switch, node.node);
  });
  return cluster;
}

}  // namespace moesim::topologies
