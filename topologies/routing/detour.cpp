// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/detour.h"

#include <algorithm>
#include <cstddef>

namespace moesim::topologies {

Groups::Groups(const Cluster& cluster, const Skeleton& skeleton, NextHops& next)
    : group_of_(cluster.vertices.size(), -1) {
  std::map<int, std::vector<Door>> doors;  // by the groups' numbers
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    const Vertex& vertex = cluster.vertices[v];
    if (vertex.kind != VertexKind::fabric_switch) continue;
    if (vertex.place.size() != 2) return;
    doors[vertex.place[0]].push_back({skeleton.junction_of[v], 0});
  }
  for (const auto& [number, of_group] : doors) {
    for (const Door& door : of_group) group_of_[skeleton.junctions[door.junction]] = size();
    approaches_.push_back(next.approach_to(of_group));
  }
}

std::vector<int> lengths_by_groups(const Cluster& cluster) {
  std::vector<int> lengths(cluster.links.size(), 1);
  const bool has_groups =
      std::all_of(cluster.vertices.begin(), cluster.vertices.end(), [](const Vertex& vertex) {
        return vertex.kind != VertexKind::fabric_switch || vertex.place.size() == 2;
      });
  if (!has_groups || SwitchGrid(cluster, std::vector<char>(lengths.size(), 1)).is_complete()) {
    return lengths;
  }
  for (std::size_t l = 0; l < lengths.size(); ++l) {
    const Vertex& from = cluster.vertices[cluster.links[l].from];
    const Vertex& to = cluster.vertices[cluster.links[l].to];
    if (from.kind != VertexKind::fabric_switch || to.kind != VertexKind::fabric_switch) continue;
    // One hop and this one and one hop are shorter than two of these.
    if (from.place[0] != to.place[0]) lengths[l] = 3;
  }
  return lengths;
}

int choose_other(const PairHash& hash, int count, int a, int b) {
  if (count <= 2) return -1;
  // A choice at no vertex.
  int chosen = static_cast<int>(hash.choose(-1, static_cast<std::size_t>(count - 2)));
  if (chosen >= std::min(a, b)) ++chosen;
  if (chosen >= std::max(a, b)) ++chosen;
  return chosen;
}

}  // namespace moesim::topologies
