// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/cluster_checks.h"

#include <algorithm>
#include <boost/graph/strong_components.hpp>
#include <cmath>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "topologies/graph.h"

namespace moesim::topologies {
namespace {

[[noreturn]] void fail(const std::string& where, const std::string& what, const std::string& hint) {
  throw base::Error(where, what, hint);
}

void require(bool holds, const std::string& where, const std::string& what,
             const std::string& hint) {
  if (!holds) fail(where, what, hint);
}

void check_size(std::size_t size, std::size_t limit, const char* what, const std::string& file) {
  require(size <= limit, file,
          std::to_string(size) + " " + what + " are more than " + std::to_string(limit),
          "describe a part of the cluster");
}

void check_name(std::unordered_set<std::string_view>& known, const std::string& name,
                const std::function<std::string()>& where) {
  if (!is_name(name)) {
    fail(where(), "\"" + name.substr(0, 80) + "\" cannot be a name",
         "use 1 to " + std::to_string(kMaxNameBytes) +
             " bytes without quotes, backslashes, control characters or outer spaces");
  }
  if (!known.insert(name).second) {
    fail(where(), "the name \"" + name + "\" is given twice",
         "each vertex and each link needs a name of its own");
  }
}

void check_names(const Cluster& cluster, const Origins& origins) {
  std::unordered_set<std::string_view> known;
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    check_name(known, cluster.vertices[v].name, [&] { return origins.vertex(v); });
  }
  known.clear();
  for (std::size_t l = 0; l < cluster.links.size(); ++l) {
    check_name(known, cluster.links[l].name, [&] { return origins.link(l); });
  }
}

// Messages are put together only for what is wrong: large clusters have millions of values.
void check_vertex(const Cluster& cluster, std::size_t index, const Origins& origins) {
  const Vertex& vertex = cluster.vertices[index];
  const auto wrong = [&](const std::string& what, const std::string& hint) {
    fail(origins.vertex(index), "vertex \"" + vertex.name + "\": " + what, hint);
  };
  if (vertex.tier < 0) wrong("a tier is at least 0", "count tiers from the NICs: 1, 2");
  if (vertex.node < -1 || vertex.node >= cluster.num_nodes) {
    wrong("there is no node " + std::to_string(vertex.node), "number nodes from 0");
  }
  const std::string rank = "rank " + std::to_string(vertex.rank);
  const bool ranked = vertex.rank >= 0 && vertex.rank < cluster.num_ranks();
  if (vertex.kind != VertexKind::accelerator) {
    if (vertex.rank == -1 || (ranked && vertex.kind == VertexKind::nic)) return;
    wrong(rank + " is not one it can serve",
          "only accelerators and NICs have a rank, a NIC that of the first it serves");
  }
  if (vertex.node < 0) {
    wrong("an accelerator needs the node that it sits in", "give \"node\", counted from 0");
  }
  if (!ranked || cluster.accelerators[vertex.rank] != static_cast<int>(index)) {
    wrong(rank + " is taken or out of range",
          "give each accelerator one of 0 to " + std::to_string(cluster.num_ranks() - 1));
  }
}

void check_link(const Cluster& cluster, std::size_t index, const Origins& origins) {
  const Link& link = cluster.links[index];
  const auto wrong = [&](const std::string& what, const std::string& hint) {
    fail(origins.link(index), "link \"" + link.name + "\": " + what, hint);
  };
  const int size = static_cast<int>(cluster.vertices.size());
  if (link.from < 0 || link.from >= size || link.to < 0 || link.to >= size) {
    wrong("an end is no vertex", "name vertices of this cluster");
  }
  if (link.from == link.to) {
    wrong("both ends are \"" + cluster.vertices[link.from].name + "\"",
          "a link joins two vertices");
  }
  if (!std::isfinite(link.bandwidth.value) || link.bandwidth.value <= 0) {
    wrong("a bandwidth is above 0 and finite", "give the rate of this direction: \"50 GB/s\"");
  }
  if (!std::isfinite(link.latency.value) || link.latency.value < 0) {
    wrong("a latency is at least 0 and finite", "give it as \"1 us\"");
  }
}

void check_nodes(const Cluster& cluster, const Origins& origins) {
  std::vector<bool> filled(static_cast<std::size_t>(cluster.num_nodes));
  for (const int vertex : cluster.accelerators) filled[cluster.vertices[vertex].node] = true;
  const auto empty = std::find(filled.begin(), filled.end(), false);
  require(empty == filled.end(), origins.file,
          "node " + std::to_string(empty - filled.begin()) + " has no accelerator",
          "number the nodes 0, 1, 2 without a gap, each with an accelerator");
}

void check_reducers(const Cluster& cluster, const Origins& origins) {
  for (std::size_t i = 0; i < cluster.reducers.size(); ++i) {
    const int vertex = cluster.reducers[i];
    require(vertex >= 0 && vertex < static_cast<int>(cluster.vertices.size()) &&
                is_switch(cluster.vertices[vertex].kind),
            origins.file, "reducer " + std::to_string(i) + " is no switch",
            "only switches add up what crosses them");
    require(i == 0 || cluster.reducers[i - 1] < vertex, origins.file,
            "the reducers are not in the order of the vertices", "name each once, in their order");
  }
}

void check_connected(const Cluster& cluster, const Origins& origins) {
  const Graph graph = make_graph(cluster);
  std::vector<int> component(cluster.vertices.size());
  boost::strong_components(graph, boost::make_iterator_property_map(
                                      component.begin(), boost::get(boost::vertex_index, graph)));
  const int first = cluster.accelerators[0];
  for (const int vertex : cluster.accelerators) {
    if (component[vertex] == component[first]) continue;
    fail(origins.vertex(vertex),
         "\"" + cluster.vertices[first].name + "\" and \"" + cluster.vertices[vertex].name +
             "\" do not reach each other both ways",
         "join them; a link carries one direction, so a cable is two links");
  }
}

}  // namespace

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes) return false;
  if (name.front() == ' ' || name.back() == ' ') return false;
  return std::none_of(name.begin(), name.end(), [](unsigned char c) {
    return c < 0x20 || c == 0x7f || c == '"' || c == '\\';
  });
}

void check_cluster(const Cluster& cluster, const Origins& origins) {
  check_size(cluster.vertices.size(), kMaxVertices, "vertices", origins.file);
  check_size(cluster.links.size(), kMaxLinks, "links", origins.file);
  check_size(cluster.accelerators.size(), kMaxAccelerators, "accelerators", origins.file);
  require(!cluster.accelerators.empty(), origins.file, "there is no accelerator",
          "a cluster has at least one vertex of kind \"accelerator\"");
  require(cluster.num_nodes >= 1 && cluster.num_nodes <= cluster.num_ranks(), origins.file,
          std::to_string(cluster.num_nodes) + " nodes do not fit " +
              std::to_string(cluster.num_ranks()) + " accelerators",
          "number the nodes 0, 1, 2 without a gap, each with an accelerator");
  for (const int vertex : cluster.accelerators) {
    require(vertex >= 0 && vertex < static_cast<int>(cluster.vertices.size()) &&
                cluster.vertices[vertex].kind == VertexKind::accelerator,
            origins.file, "a rank is no accelerator",
            "give the accelerators the ranks 0, 1, 2 without a gap");
  }
  check_names(cluster, origins);
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    check_vertex(cluster, v, origins);
  }
  for (std::size_t l = 0; l < cluster.links.size(); ++l) {
    check_link(cluster, l, origins);
  }
  check_nodes(cluster, origins);
  check_reducers(cluster, origins);
  check_connected(cluster, origins);
}

}  // namespace moesim::topologies
