// SPDX-License-Identifier: Apache-2.0
// What every builder shares: vertices, links in both directions, and the servers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/units.h"
#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// What both directions of a cable have in common.
struct Cable {
  LinkKind kind = LinkKind::fabric;
  base::BytesPerSecond bandwidth;  // one direction
  base::Seconds latency;           // one direction
};

// Adds a switch outside of any node and returns its vertex.
int add_fabric_switch(Cluster& cluster, std::string name, int tier = 1,
                      std::vector<int> place = {});

// Adds two links, a -> b and then b -> a.
void add_cable(Cluster& cluster, int a, int b, const Cable& cable);

// A node that stands in the cluster.
struct PlacedNode {
  int index = 0;  // among the nodes of the config
  const Node& node;
  std::vector<int> nics;  // vertices, [count_nics(node)]
};

// Adds all nodes of the config in order, each followed by what `join` adds to cable its NICs.
// A node's accelerators are the next ranks. On a scale-up switch half of scale_up_latency lies on
// each of the two links between two accelerators; in a full mesh all of it on their one link, of an
// equal share of scale_up_bandwidth. A quarter of nic_latency lies on the way from accelerator to
// NIC (half of that on either side of a PCIe switch). Nodes of one scale_up_domain share its switch
// and the number Vertex::node; names then say "rack0/tray3/gpu1". A domain ends with its run of
// nodes. Switches that reduce are added to Cluster::reducers.
void add_nodes(Cluster& cluster, const ClusterConfig& config,
               const std::function<void(const PlacedNode&)>& join);

// Joins a NIC and the first switch beyond it: `share` of its bandwidth, a quarter of nic_latency.
void add_nic_cable(Cluster& cluster, int nic, int switch_vertex, const Node& node,
                   double share = 1);

}  // namespace moesim::topologies
