// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/rail_optimized_fat_tree.h"

#include "topologies/builders/rail_plane.h"

namespace moesim::topologies {

void check_rail_optimized_fat_tree(const ClusterConfig& config) { check_leaf_tier(config); }

Cluster build_rail_optimized_fat_tree(const ClusterConfig& config) {
  Cluster cluster;
  RailPlane plane(cluster, config, {});
  add_nodes(cluster, config, [&](const PlacedNode& node) { plane.join(node); });
  plane.add_uplinks();
  return cluster;
}

}  // namespace moesim::topologies
