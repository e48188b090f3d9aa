// SPDX-License-Identifier: Apache-2.0
#include "topologies/draw/condensed.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "topologies/analysis/analysis.h"

namespace moesim::topologies {
namespace {

// "node3" of "node3/gpu0"; what all names of the node begin with.
std::string name_of_node(const Vertex& vertex) {
  const std::size_t slash = vertex.name.find('/');
  return slash == std::string::npos ? "node" + std::to_string(vertex.node)
                                    : vertex.name.substr(0, slash);
}

double in_gigabytes(double bytes_per_s) { return bytes_per_s / 1e9; }

}  // namespace

Condensed condense(const Cluster& cluster) {
  Condensed graph;
  graph.items.resize(static_cast<std::size_t>(cluster.num_nodes));
  const std::vector<int> tiers = tiers_of(cluster);
  std::vector<int> item_of(cluster.vertices.size());
  for (int v = 0; v < static_cast<int>(cluster.vertices.size()); ++v) {
    const Vertex& vertex = cluster.vertices[v];
    if (vertex.node >= 0) {
      Item& item = graph.items[vertex.node];
      item_of[v] = item.node = vertex.node;
      if (item.name.empty()) item.name = name_of_node(vertex);
      item.accelerators += vertex.kind == VertexKind::accelerator;
    } else {
      item_of[v] = static_cast<int>(graph.items.size());
      Item item;
      item.vertex = v;
      item.name = vertex.name;
      item.tier = tiers[v];
      item.place = vertex.place;
      graph.items.push_back(std::move(item));
    }
  }
  std::map<std::pair<int, int>, Join> joins;
  for (const Link& link : cluster.links) {
    const int from = item_of[link.from];
    const int to = item_of[link.to];
    if (from == to) continue;
    Join& join = joins[std::minmax(from, to)];
    join.kind = link.kind;
    if (from > to) continue;
    ++join.cables;
    join.bandwidth += link.bandwidth.value;
  }
  for (auto& [ends, join] : joins) {
    join.a = ends.first;
    join.b = ends.second;
    graph.items[join.a].ports += join.cables;
    graph.items[join.b].ports += join.cables;
    if (graph.items[join.a].is_node()) ++graph.items[join.b].nodes;
    graph.joins.push_back(join);
  }
  return graph;
}

std::string bandwidth_text(const Cluster& cluster, LinkKind kind) {
  double least = 0;
  double most = 0;
  for (const Link& link : cluster.links) {
    if (link.kind != kind) continue;
    least = most == 0 ? link.bandwidth.value : std::min(least, link.bandwidth.value);
    most = std::max(most, link.bandwidth.value);
  }
  if (most == 0) return "";
  const std::string low = fmt::format("{:.4g}", in_gigabytes(least));
  const std::string high = fmt::format("{:.4g}", in_gigabytes(most));
  return low == high ? high + " GB/s" : low + " - " + high + " GB/s";
}

}  // namespace moesim::topologies
