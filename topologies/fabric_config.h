// SPDX-License-Identifier: Apache-2.0
// What joins the nodes' NICs, as an experiment describes it: one of the topologies, and its sizes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "base/units.h"

namespace moesim::topologies {

enum class Topology {
  single_switch,
  full_mesh,
  rail_optimized_fat_tree,
  fat_tree,
  rail_only,
  dual_plane,
  nvl72,
  dragonfly,
  torus,
  hyperx,
  file  // none: ClusterConfig::file holds the graph
};

// NIC i of every node on rail i.
bool has_rails(Topology topology);
// Switches with nodes of their own, joined to each other: no tiers.
bool is_direct(Topology topology);
// Leaves and a tier of switches above them.
bool has_leaves(Topology topology);

struct Fabric {
  // ClusterConfig::topology once more, so that describe() knows which keys it uses: set by
  // describe(ClusterConfig), read by nothing else.
  Topology topology = Topology::rail_optimized_fat_tree;
  base::Seconds switch_latency;         // half of it on each cable between two switches
  int nodes_per_leaf = 0;               // nodes with NICs on one leaf
  double oversubscription = 1.0;        // leaf down bandwidth / up bandwidth
  int tiers = 2;                        // fat tree: 2 or 3
  int leaves_per_pod = 0;               // fat tree of 3 tiers
  double core_oversubscription = 1.0;   // the same for a pod's spines
  int nodes_per_router = 1;             // direct topologies
  base::BytesPerSecond link_bandwidth;  // one cable between two routers, one direction
  std::vector<int> dims;                // torus and HyperX: routers per dimension
  int groups = 0;                       // dragonfly
  int routers_per_group = 0;            // dragonfly
  int global_links_per_router = 0;      // dragonfly
  std::optional<base::BytesPerSecond> global_link_bandwidth;  // dragonfly; default link_bandwidth
  bool in_switch_reduction = false;                           // its switches add up and copy
  std::map<std::string, std::string> sources;
};

void describe(base::FieldTable& table, Fabric& fabric);

}  // namespace moesim::topologies
