// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/rail_only.h"

#include "topologies/builders/rail_plane.h"
#include "topologies/config_checks.h"

namespace moesim::topologies {

void check_rail_only(const ClusterConfig& config) {
  check_leaf_tier(config);
  for (const NodeRun& run : runs_of(config)) {
    require(run.node->scale_up != ScaleUp::none || count_nics(*run.node) == 1,
            run.where + "/node/scale_up", "nothing leads from one rail to another",
            "rail_only needs a scale-up link, or one NIC per node");
  }
}

Cluster build_rail_only(const ClusterConfig& config) {
  Cluster cluster;
  RailPlane plane(cluster, config, {.joins_rails = false});
  add_nodes(cluster, config, [&](const PlacedNode& node) { plane.join(node); });
  plane.add_uplinks();
  return cluster;
}

}  // namespace moesim::topologies
