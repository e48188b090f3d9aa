// SPDX-License-Identifier: Apache-2.0
// A fat tree that knows no rails: all NICs of a node are on one leaf. Two tiers (leaves, spines) or
// three (pods of leaves and spines, joined by cores; Al-Fares et al. 2008, SIGCOMM, figure 3, with
// any oversubscription).
#pragma once

#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// Throws base::Error when a tier's size, oversubscription or switch_latency do not fit.
void check_fat_tree(const ClusterConfig& config);

// Leaves hold nodes_per_leaf nodes; one that holds fewer than others has all its uplinks. A leaf
// has ceil(NICs / oversubscription) uplinks, one to each spine (of its pod), whose bandwidths sum
// to that of its NICs / oversubscription exactly. With three tiers, pods hold leaves_per_pod
// leaves, and spine s of every pod has ceil(leaves_per_pod / core_oversubscription) uplinks, one to
// each core of group s. A tier that would join a single switch below it is left out: one leaf has
// no spines, one pod no cores. `config` is checked by build_cluster.
Cluster build_fat_tree(const ClusterConfig& config);

}  // namespace moesim::topologies
