// SPDX-License-Identifier: Apache-2.0
// Two independent fabrics: each NIC has a port of half its bandwidth on either. (Planes:
// DeepSeek-AI 2025, arXiv 2505.09343, section 5.1, there eight, one NIC each.)
#pragma once

#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// Throws base::Error when nodes_per_leaf, oversubscription or switch_latency do not fit.
void check_dual_plane(const ClusterConfig& config);

// Each plane is a rail-optimised fat tree at half the bandwidth, so that together they have that of
// one. Switches stand at {plane}. With ecmp a message keeps to one plane, and so to half its NIC's
// bandwidth; spray uses both. `config` is checked by build_cluster.
Cluster build_dual_plane(const ClusterConfig& config);

}  // namespace moesim::topologies
