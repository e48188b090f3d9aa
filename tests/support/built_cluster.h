// SPDX-License-Identifier: Apache-2.0
// Questions that tests ask of a cluster's graph.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "topologies/cluster_config.h"

namespace moesim::testing {

inline int vertex_named(const topologies::Cluster& cluster, const std::string& name) {
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    if (cluster.vertices[v].name == name) return static_cast<int>(v);
  }
  throw base::Error("test", "no vertex is called " + name);
}

inline const topologies::Link& link_named(const topologies::Cluster& cluster,
                                          const std::string& name) {
  for (const topologies::Link& link : cluster.links) {
    if (link.name == name) return link;
  }
  throw base::Error("test", "no link is called " + name);
}

inline bool has_link(const topologies::Cluster& cluster, const std::string& name) {
  return std::any_of(cluster.links.begin(), cluster.links.end(),
                     [&](const topologies::Link& link) { return link.name == name; });
}

inline int count_vertices(const topologies::Cluster& cluster, topologies::VertexKind kind,
                          int tier = -1) {
  return static_cast<int>(std::count_if(
      cluster.vertices.begin(), cluster.vertices.end(), [&](const topologies::Vertex& vertex) {
        return vertex.kind == kind && (tier < 0 || vertex.tier == tier);
      }));
}

inline int count_links(const topologies::Cluster& cluster, topologies::LinkKind kind) {
  return static_cast<int>(
      std::count_if(cluster.links.begin(), cluster.links.end(),
                    [&](const topologies::Link& link) { return link.kind == kind; }));
}

// Links of a kind that leave the vertex, and the sum of their bandwidths in bytes per second.
struct Outgoing {
  int links = 0;
  double bandwidth = 0;
};
inline Outgoing outgoing(const topologies::Cluster& cluster, const std::string& vertex,
                         topologies::LinkKind kind) {
  const int from = vertex_named(cluster, vertex);
  Outgoing found;
  for (const topologies::Link& link : cluster.links) {
    if (link.from != from || link.kind != kind) continue;
    ++found.links;
    found.bandwidth += link.bandwidth.value;
  }
  return found;
}

// Where and what build_cluster() complains about: "/cluster/x: what (hint)"; "built" if it does
// not.
inline std::string complaint_of(const topologies::ClusterConfig& config) {
  try {
    topologies::build_cluster(config);
  } catch (const base::Error& error) {
    return error.where() + ": " + error.message() + " (" + error.hint() + ")";
  }
  return "built";
}

}  // namespace moesim::testing
