// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/rails.h"

#include <algorithm>
#include <cstddef>
#include <set>

namespace moesim::topologies {
namespace {

template <class Same>
bool share(const std::vector<int>& a, const std::vector<int>& b, Same same) {
  return std::any_of(a.begin(), a.end(), [&](int x) {
    return std::any_of(b.begin(), b.end(), [&](int y) { return same(x, y); });
  });
}

}  // namespace

Rails::Rails(const Cluster& cluster, NextHops& next)
    : cluster_(cluster), next_(next), rank_of_(cluster.vertices.size(), -1), lists_(1) {
  for (int rank = 0; rank < cluster.num_ranks(); ++rank) {
    const int vertex = cluster.accelerators[rank];
    rank_of_[vertex] = rank;
    first_switches_.push_back(first_switches(vertex));
    const int node = cluster.vertices[vertex].node;
    if (node < 0) continue;
    if (ranks_of_node_.size() <= static_cast<std::size_t>(node)) ranks_of_node_.resize(node + 1);
    ranks_of_node_[node].push_back(vertex);
  }
}

// Outwards past NICs and PCIe switches.
Rails::Switches Rails::first_switches(int accelerator) const {
  const Skeleton& s = next_.skeleton();
  std::set<int> found;
  std::set<int> seen = {accelerator};
  std::vector<int> queue = {accelerator};
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const int v = queue[i];
    for (const int* l = s.out.begin(v); l != s.out.end(v); ++l) {
      const int head = s.head[*l];
      if (s.entry[*l]) found.insert(v);  // NICs joined without a switch
      if (!s.outward[*l]) continue;
      if (s.core[head])
        found.insert(head);
      else if (seen.insert(head).second)
        queue.push_back(head);
    }
  }
  return {found.begin(), found.end()};
}

std::span<const int> Rails::neighbours(int source, const Destination& to) {
  const int rank = rank_of_[source];
  const int node = cluster_.vertices[source].node;
  const bool may_forward = rank >= 0 && rank_of_[to.vertex] >= 0 && node >= 0 && to.approach >= 0 &&
                           node != cluster_.vertices[to.vertex].node &&
                           to.domain != next_.skeleton().domain[source];
  if (!may_forward) return {};
  const auto approach = static_cast<std::size_t>(to.approach);
  if (list_of_.size() <= approach) list_of_.resize(approach + 1);
  std::vector<int>& known = list_of_[approach];
  if (known.empty()) known.assign(rank_of_.size(), -1);
  int& list = known[rank];
  if (list < 0) {
    std::vector<int> found = find_neighbours(source, to);
    list = found.empty() ? 0 : static_cast<int>(lists_.size());
    if (!found.empty()) lists_.push_back(std::move(found));
  }
  return lists_[list];
}

std::vector<int> Rails::find_neighbours(int source, const Destination& to) {
  Switches goals;
  for (const Door& door : to.doors) goals.push_back(next_.skeleton().junctions[door.junction]);
  const auto same_switch = [](int a, int b) { return a == b; };
  const auto same_place = [&](int a, int b) {
    const std::vector<int>& place = cluster_.vertices[a].place;
    return !place.empty() && place == cluster_.vertices[b].place;
  };
  const auto find = [&](auto same, std::vector<int>& found) {
    if (share(first_switches_[rank_of_[source]], goals, same)) return true;
    for (const int vertex : ranks_of_node_[cluster_.vertices[source].node]) {
      if (vertex == source || !share(first_switches_[rank_of_[vertex]], goals, same)) continue;
      if (reaches_by_scale_up(source, vertex)) found.push_back(vertex);
    }
    return !found.empty();
  };
  std::vector<int> found;
  if (!find(same_switch, found)) find(same_place, found);
  return found;
}

bool Rails::reaches_by_scale_up(int source, int neighbour) {
  const Destination& to = next_.towards(neighbour);
  std::vector<int> links;
  for (int vertex = source; vertex != neighbour;) {
    next_.next_links(vertex, to, false, links);
    if (links.empty() || cluster_.links[links.front()].kind != LinkKind::scale_up) return false;
    vertex = next_.skeleton().head[links.front()];
  }
  return true;
}

}  // namespace moesim::topologies
