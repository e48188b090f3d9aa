// SPDX-License-Identifier: Apache-2.0
// No switches: every NIC has a cable to every NIC of the other nodes and divides its bandwidth
// among them. (One router per node and cables between routers is HyperX of one dimension.)
#pragma once

#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// Throws base::Error when there are more NICs than 1,024: half a million cables.
void check_full_mesh(const ClusterConfig& config);

// NICs of one node are joined as well where its accelerators have no scale-up link. A cable has the
// smaller of both ends' shares, bandwidth / peers, and half of nic_latency (the mean of both
// ends'). `config` is checked by build_cluster.
Cluster build_full_mesh(const ClusterConfig& config);

}  // namespace moesim::topologies
