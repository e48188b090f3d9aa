// SPDX-License-Identifier: Apache-2.0
// What every builder shares: vertices, links in both directions, and the servers.
#pragma once

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
int add_fabric_switch(Cluster& cluster, std::string name);

// Adds two links, a -> b and then b -> a.
void add_cable(Cluster& cluster, int a, int b, const Cable& cable);

// Adds the next node: accelerators (the next ranks, in order), their NICs and the scale-up switch.
// Half of scale_up_latency lies on each of the two links between two accelerators. A quarter of
// nic_latency lies on each link from accelerator to NIC to switch to NIC to accelerator.
// Returns the NICs' vertices, [accelerators_per_node].
std::vector<int> add_node(Cluster& cluster, const Node& node);

// Joins a NIC and the first switch beyond it.
void add_nic_cable(Cluster& cluster, int nic, int switch_vertex, const Node& node);

}  // namespace moesim::topologies
