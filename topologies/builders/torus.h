// SPDX-License-Identifier: Apache-2.0
// A grid of routers, each joined to the next along every dimension, the last to the first (TPU
// pods, Blue Gene; Dally and Towles 2004, Principles and Practices of Interconnection Networks,
// chapter 5).
#pragma once

#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// Throws base::Error when dims x nodes_per_router are not the nodes, or a quantity does not fit.
void check_torus(const ClusterConfig& config);

// One cable of link_bandwidth per router and dimension of 3 or more routers; a dimension of 2 has
// one cable, not two, between its routers, a dimension of 1 none. Routers stand at {x, y, ...}.
// `config` is checked by build_cluster.
Cluster build_torus(const ClusterConfig& config);

}  // namespace moesim::topologies
