// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/nvl72.h"

#include "topologies/builders/rail_optimized_fat_tree.h"
#include "topologies/config_checks.h"

namespace moesim::topologies {

void check_nvl72(const ClusterConfig& config) {
  for (const NodeRun& run : runs_of(config)) {
    require(run.node->scale_up_domain.has_value(), run.where + "/node/scale_up_domain",
            "racks are built of trays that share a scale-up switch",
            "set it to the accelerators of a rack, as 72, or use rail_optimized_fat_tree");
  }
  check_rail_optimized_fat_tree(config);
}

Cluster build_nvl72(const ClusterConfig& config) { return build_rail_optimized_fat_tree(config); }

}  // namespace moesim::topologies
