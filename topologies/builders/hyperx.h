// SPDX-License-Identifier: Apache-2.0
// A grid of routers, each joined to all others along every dimension (Ahn et al. 2009, HyperX:
// topology, routing, and packaging of efficient large-scale networks, SC). One dimension is a full
// mesh of routers, sizes of 2 a hypercube.
#pragma once

#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// Throws base::Error when dims x nodes_per_router are not the nodes, or a quantity does not fit.
void check_hyperx(const ClusterConfig& config);

// A router of dims S_k has the sum of (S_k - 1) cables of link_bandwidth (K = 1 in the paper's
// terms) and nodes_per_router nodes. Routers stand at {x, y, ...}. `config` is checked by
// build_cluster.
Cluster build_hyperx(const ClusterConfig& config);

}  // namespace moesim::topologies
