// SPDX-License-Identifier: Apache-2.0
// Racks whose trays share one scale-up switch (NVL72: 18 trays of 4 accelerators), joined by
// rail-optimised leaves.
#pragma once

#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// Throws base::Error when the nodes are no trays (scale_up_domain), or sizes of leaves do not fit.
void check_nvl72(const ClusterConfig& config);

// The config's nodes are trays; those of a rack share a scale-up switch and Vertex::node, see
// add_nodes(). NIC i of every tray is on rail i of a rail-optimised fat tree, nodes_per_leaf trays
// to a leaf. Other topologies take trays as well. `config` is checked by build_cluster.
Cluster build_nvl72(const ClusterConfig& config);

}  // namespace moesim::topologies
