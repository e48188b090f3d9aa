// SPDX-License-Identifier: Apache-2.0
// Groups of routers: every router is joined to every other of its group and by a few cables to
// other groups, so that two groups are one hop apart (Kim et al. 2008, Technology-driven,
// highly-scalable dragonfly topology, ISCA).
#pragma once

#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// Throws base::Error when the routers are not places for the nodes, or the cables to other groups
// cannot be shared out evenly: groups - 1 must divide routers_per_group x global_links_per_router.
void check_dragonfly(const ClusterConfig& config);

// In the paper's terms: p = nodes_per_router, a = routers_per_group, h = global_links_per_router,
// g = groups (balanced: a = 2p = 2h; largest: g = a h + 1). Every two groups have a h / (g - 1)
// cables. Port q of a group (of 0 to a h - 1, h to a router) leads to the group 1 + q mod (g - 1)
// further on. Routers stand at {group, router}. `config` is checked by build_cluster.
Cluster build_dragonfly(const ClusterConfig& config);

}  // namespace moesim::topologies
