// SPDX-License-Identifier: Apache-2.0
// One reader and one writer per format, behind import_export.h. Readers throw base::Error with
// `name` for the file; writers are given clusters that passed check_cluster.
#pragma once

#include <string>
#include <string_view>

#include "topologies/cluster.h"
#include "topologies/routing.h"

namespace moesim::topologies {

inline constexpr const char* kJsonFormat = "moesim cluster";  // what the key "format" says

Cluster cluster_from_json(std::string_view text, const std::string& name);
std::string to_json_text(const Cluster& cluster);

Cluster cluster_from_graphml(std::string_view text, const std::string& name);
std::string to_graphml_text(const Cluster& cluster);

Cluster cluster_from_dot(std::string_view text, const std::string& name);
std::string to_dot_text(const Cluster& cluster);

// Platforms of our own, with all our fields as properties, read back exactly. Of foreign ones a
// single zone of routing Full, Floyd or Dijkstra with hosts, routers, links and routes is read: a
// host becomes an accelerator on a node of its own, and the places where the links of the routes
// meet become switches.
Cluster cluster_from_simgrid(std::string_view text, const std::string& name);
std::string to_simgrid_text(const Cluster& cluster, const RoutingOptions& routing);

}  // namespace moesim::topologies
