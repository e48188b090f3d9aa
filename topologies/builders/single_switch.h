// SPDX-License-Identifier: Apache-2.0
// All NICs on one ideal switch: the fabric never limits, the NICs do.
#pragma once

#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// `config` is checked by build_cluster.
Cluster build_single_switch(const ClusterConfig& config);

}  // namespace moesim::topologies
