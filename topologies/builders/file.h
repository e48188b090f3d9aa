// SPDX-License-Identifier: Apache-2.0
// A cluster whose graph stands in a file (topologies/import_export) instead of being built.
#pragma once

#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// Reads config.file. Throws base::Error at "/cluster/file" when it cannot be read, at the place in
// the file when that does not hold a cluster.
Cluster build_from_file(const ClusterConfig& config);

}  // namespace moesim::topologies
