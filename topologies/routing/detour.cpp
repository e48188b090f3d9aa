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

int choose_other(const PairHash& hash, int count, int a, int b) {
  if (count <= 2) return -1;
  // A choice at no vertex.
  int chosen = static_cast<int>(hash.choose(-1, static_cast<std::size_t>(count - 2)));
  if (chosen >= std::min(a, b)) ++chosen;
  if (chosen >= std::max(a, b)) ++chosen;
  return chosen;
}

}  // namespace moesim::topologies
