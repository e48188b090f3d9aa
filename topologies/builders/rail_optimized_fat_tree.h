// SPDX-License-Identifier: Apache-2.0
// A two-tier fat tree in which NIC i of every node of a pod meets on the pod's leaf i (its rail),
// so that accelerators of equal index talk over one switch; every leaf reaches every spine.
// (Described in Wang et al. 2023, arXiv 2307.12169.)
#pragma once

#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// Throws base::Error when nodes_per_leaf, oversubscription or switch_latency do not fit.
void check_rail_optimized_fat_tree(const ClusterConfig& config);

// Pods hold nodes_per_leaf nodes, the last one maybe fewer; its leaves have all their uplinks. A
// single pod that is not full is cabled for the nodes it has, so that `oversubscription` holds.
// A leaf has ceil(nodes / oversubscription) uplinks, one to each spine, whose bandwidths sum to
// nodes x nic_bandwidth / oversubscription exactly. Half of switch_latency lies on the way up, half
// on the way down. Leaves stand at {rail}. `config` is checked by build_cluster.
Cluster build_rail_optimized_fat_tree(const ClusterConfig& config);

}  // namespace moesim::topologies
