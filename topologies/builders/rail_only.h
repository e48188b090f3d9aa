// SPDX-License-Identifier: Apache-2.0
// Rails that nothing joins: NIC i of every node meets NIC i of the others, and a message to another
// rail takes the scale-up link (Wang et al. 2023, arXiv 2307.12169, figure 6).
#pragma once

#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// Throws base::Error when the sizes of leaves do not fit, or when nothing leads from rail to rail.
void check_rail_only(const ClusterConfig& config);

// Each rail is a leaf, or with more than nodes_per_leaf nodes a two-tier fat tree of its own, of
// leaves and spines as in the rail-optimised fat tree. Switches stand at {rail}. `config` is
// checked by build_cluster.
Cluster build_rail_only(const ClusterConfig& config);

}  // namespace moesim::topologies
