// SPDX-License-Identifier: Apache-2.0
// A cluster as the command line names it.
#pragma once

#include <string>
#include <vector>

#include "topologies/cluster.h"
#include "topologies/routing.h"

namespace moesim::cli {

struct NamedCluster {
  std::string title;  // the preset's or the file's name
  topologies::Cluster cluster;
  topologies::RoutingOptions routing;
  std::vector<std::string> warnings;
};

// `name` is a cluster preset, a graph file (any of import_export.h's formats), an experiment, or a
// file that holds a cluster section alone. `assignments` are `cluster.key=value`, for all but graph
// files. Throws base::Error.
NamedCluster load_cluster(const std::string& name, const std::vector<std::string>& assignments);

}  // namespace moesim::cli
