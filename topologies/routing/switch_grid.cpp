// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/switch_grid.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <set>

namespace moesim::topologies {

SwitchGrid::SwitchGrid(const Cluster& cluster, const std::vector<char>& up)
    : index_of_(cluster.vertices.size(), -1) {
  if (!place_switches(cluster)) return;
  find_rings(cluster);
  list_steps(cluster, up);
}

bool SwitchGrid::place_switches(const Cluster& cluster) {
  std::set<std::vector<int>> places;
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    const Vertex& vertex = cluster.vertices[v];
    if (vertex.kind != VertexKind::fabric_switch) continue;
    if (switches_.empty()) dimensions_ = static_cast<int>(vertex.place.size());
    const bool is_bad = vertex.place.empty() ||
                        static_cast<int>(vertex.place.size()) != dimensions_ ||
                        *std::min_element(vertex.place.begin(), vertex.place.end()) < 0;
    if (is_bad || !places.insert(vertex.place).second) return false;
    index_of_[v] = static_cast<int>(switches_.size());
    switches_.push_back(static_cast<int>(v));
    places_.insert(places_.end(), vertex.place.begin(), vertex.place.end());
  }
  if (switches_.empty()) return false;
  for (int d = 0; d < dimensions_; ++d) {
    int size = 0;
    for (std::size_t s = 0; s < switches_.size(); ++s) {
      size = std::max(size, coordinate(static_cast<int>(s), d) + 1);
    }
    // More coordinates than switches: no grid, and no table of that size.
    if (size > static_cast<int>(switches_.size())) return false;
    offsets_.push_back(steps_per_switch_);
    sizes_.push_back(size);
    steps_per_switch_ += size;
  }
  return true;
}

// The dimension in which two switches differ, -1 if that is not just one.
int SwitchGrid::only_difference(int a, int b) const {
  int found = -1;
  for (int d = 0; d < dimensions_; ++d) {
    if (coordinate(a, d) == coordinate(b, d)) continue;
    if (found >= 0) return -1;
    found = d;
  }
  return found;
}

void SwitchGrid::find_rings(const Cluster& cluster) {
  is_ring_.assign(static_cast<std::size_t>(dimensions_), 0);
  for (const Link& link : cluster.links) {
    const int a = index_of_[link.from];
    const int b = index_of_[link.to];
    if (a < 0 || b < 0) continue;
    const int d = only_difference(a, b);
    if (d < 0) continue;
    if (std::abs(coordinate(a, d) - coordinate(b, d)) == sizes_[d] - 1) is_ring_[d] = 1;
  }
}

int SwitchGrid::distance(int dimension, int from, int to) const {
  const int straight = std::abs(from - to);
  return is_ring_[dimension] ? std::min(straight, sizes_[dimension] - straight) : straight;
}

void SwitchGrid::list_steps(const Cluster& cluster, const std::vector<char>& up) {
  const std::size_t num_switches = switches_.size();
  std::vector<std::vector<Neighbour>> neighbours(num_switches * dimensions_);
  for (std::size_t l = 0; l < cluster.links.size(); ++l) {
    const int a = index_of_[cluster.links[l].from];
    const int b = index_of_[cluster.links[l].to];
    if (a < 0 || b < 0 || !up[l]) continue;
    const int d = only_difference(a, b);
    if (d < 0) continue;
    neighbours[static_cast<std::size_t>(a) * dimensions_ + d].push_back(
        {static_cast<int>(l), coordinate(b, d)});
  }
  is_complete_ = true;
  steps_.resize(num_switches * steps_per_switch_);
  for (std::size_t s = 0; s < num_switches; ++s) {
    for (int d = 0; d < dimensions_; ++d) {
      const int from = coordinate(static_cast<int>(s), d);
      for (int target = 0; target < sizes_[d]; ++target) {
        if (target == from) continue;
        const List list = closest(neighbours[s * dimensions_ + d], d, from, target);
        steps_[s * steps_per_switch_ + offsets_[d] + target] = list;
        is_complete_ = is_complete_ && list.count > 0;
      }
    }
  }
}

SwitchGrid::List SwitchGrid::closest(const std::vector<Neighbour>& neighbours, int dimension,
                                     int from, int target) {
  int least = distance(dimension, from, target);
  List list{static_cast<int>(links_.size()), 0};
  for (const Neighbour& neighbour : neighbours) {
    const int left = distance(dimension, neighbour.coordinate, target);
    if (left < least) {
      least = left;
      links_.resize(static_cast<std::size_t>(list.first));
    } else if (left > least || static_cast<int>(links_.size()) == list.first) {
      continue;
    }
    links_.push_back(neighbour.link);
  }
  list.count = static_cast<int>(links_.size()) - list.first;
  return list;
}

std::span<const int> SwitchGrid::next_links(int vertex, int target) const {
  const int here = index_of_[vertex];
  const int there = index_of_[target];
  for (int d = 0; d < dimensions_; ++d) {
    const int goal = coordinate(there, d);
    if (coordinate(here, d) == goal) continue;
    const List& list =
        steps_[static_cast<std::size_t>(here) * steps_per_switch_ + offsets_[d] + goal];
    return {links_.data() + list.first, static_cast<std::size_t>(list.count)};
  }
  return {};
}

}  // namespace moesim::topologies
