// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/dual_plane.h"

#include "topologies/builders/rail_plane.h"

namespace moesim::topologies {

void check_dual_plane(const ClusterConfig& config) { check_leaf_tier(config); }

Cluster build_dual_plane(const ClusterConfig& config) {
  Cluster cluster;
  RailPlane first(cluster, config, {.prefix = "plane0/", .share = 0.5, .plane = 0});
  RailPlane second(cluster, config, {.prefix = "plane1/", .share = 0.5, .plane = 1});
  add_nodes(cluster, config, [&](const PlacedNode& node) {
    first.join(node);
    second.join(node);
  });
  first.add_uplinks();
  second.add_uplinks();
  return cluster;
}

}  // namespace moesim::topologies
