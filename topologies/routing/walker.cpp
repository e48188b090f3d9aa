// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/walker.h"

#include <algorithm>
#include <cstddef>

#include "base/error.h"

namespace moesim::topologies {
namespace {

bool is_grid(const Cluster& cluster) {
  return SwitchGrid(cluster, std::vector<char>(cluster.links.size(), 1)).is_complete();
}

bool has_groups(const Cluster& cluster) {
  return std::all_of(cluster.vertices.begin(), cluster.vertices.end(), [](const Vertex& vertex) {
    return vertex.kind != VertexKind::fabric_switch || vertex.place.size() == 2;
  });
}

Skeleton measured_skeleton(const Cluster& cluster, const std::vector<char>& up) {
  Skeleton skeleton = make_skeleton(cluster, up);
  skeleton.lengths = lengths_by_groups(cluster);
  return skeleton;
}

}  // namespace

void check_policy(const Cluster& cluster, RoutingPolicy policy) {
  if (policy == RoutingPolicy::dimension_order && !is_grid(cluster)) {
    throw base::Error("",
                      "dimension_order needs fabric switches with coordinates, joined along each "
                      "dimension as in a torus or a HyperX",
                      "route by ecmp, or choose such a topology");
  }
  if (policy == RoutingPolicy::valiant && !is_grid(cluster) && !has_groups(cluster)) {
    throw base::Error(
        "",
        "valiant needs the fabric of a dragonfly, a torus or a HyperX, whose switches "
        "have places",
        "route by ecmp, or choose such a topology");
  }
}

Walker::Walker(const Cluster& cluster, const RoutingOptions& options, const std::vector<char>& up)
    : cluster_(cluster),
      policy_(options.policy),
      is_shortest_(!options.rail_forwarding && (options.policy == RoutingPolicy::ecmp ||
                                                options.policy == RoutingPolicy::spray)),
      skeleton_(measured_skeleton(cluster, up)),
      next_(cluster, skeleton_),
      hash_(options.seed),
      follower_(next_, hash_) {
  if (options.rail_forwarding) rails_.emplace(cluster, next_);
  const bool may_be_grid =
      policy_ == RoutingPolicy::dimension_order || policy_ == RoutingPolicy::valiant;
  if (may_be_grid && is_grid(cluster)) {
    grid_.emplace(cluster, up);
  } else if (policy_ == RoutingPolicy::valiant) {
    groups_.emplace(cluster, skeleton_, next_);
  }
}

int Walker::forwarder(int source, int destination) {
  hash_.set(source, destination);
  int found = -1;
  const Destination& to = next_.towards(cluster_.vertex_of_endpoint(destination));
  find_forwarder(cluster_.vertex_of_endpoint(source), to, found);
  return found;
}

bool Walker::find_forwarder(int vertex, const Destination& to, int& forwarder) {
  if (!rails_) return false;
  const std::span<const int> neighbours = rails_->neighbours(vertex, to);
  if (neighbours.empty()) return false;
  // No choice of next hop is made at the destination: its number is free for this one.
  forwarder = neighbours[hash_.choose(to.vertex, neighbours.size())];
  return true;
}

bool Walker::walk_by_policy(int vertex, const Destination& to) {
  links_.clear();
  int forwarder = -1;
  if (find_forwarder(vertex, to, forwarder)) {
    walk_shortest(vertex, next_.towards(forwarder));
    vertex = forwarder;
  }
  const std::size_t first = links_.size();
  const bool is_local = to.domain != kNoDomain && skeleton_.domain[vertex] == to.domain;
  if (!is_local && to.approach >= 0) {
    if (policy_ == RoutingPolicy::dimension_order && walk_dimension_order(vertex, to)) return true;
    links_.resize(first);
    if (policy_ == RoutingPolicy::valiant && walk_detour(vertex, to) && !repeats_a_link(first)) {
      return true;
    }
    links_.resize(first);
  }
  return walk_shortest(vertex, to);
}

bool Walker::walk_shortest(int vertex, const Destination& to) {
  return follower_.follow(vertex, to, [this](int link) { links_.push_back(link); });
}

bool Walker::is_placed(int vertex) const {
  return grid_ ? grid_->has(vertex) : groups_->group_of(vertex) >= 0;
}

// Out of the source's node, to the first switch that has a place.
bool Walker::walk_to_grid(int& vertex, const Destination& to) {
  std::vector<int> choices;
  while (!is_placed(vertex)) {
    if (vertex == to.vertex) return false;
    next_.next_links(vertex, to, false, choices);
    if (choices.empty()) return false;
    links_.push_back(choices[hash_.choose(vertex, choices.size())]);
    vertex = skeleton_.head[links_.back()];
  }
  return true;
}

// One of the nearest doors, as a junction.
int Walker::choose_door(const Destination& to) const {
  std::vector<int> nearest;
  for (const Door& door : to.doors) {
    if (door.hops == to.base) nearest.push_back(door.junction);
  }
  return nearest[hash_.choose(to.vertex, nearest.size())];
}

bool Walker::walk_grid(int& vertex, int target) {
  while (vertex != target) {
    const std::span<const int> choices = grid_->next_links(vertex, target);
    if (choices.empty()) return false;
    links_.push_back(choices[hash_.choose(vertex, choices.size())]);
    vertex = skeleton_.head[links_.back()];
  }
  return true;
}

bool Walker::walk_dimension_order(int vertex, const Destination& to) {
  const int door = choose_door(to);
  const int target = skeleton_.junctions[door];
  return is_placed(target) && walk_to_grid(vertex, to) && walk_grid(vertex, target) &&
         follower_.descend(door, to, [this](int link) { links_.push_back(link); });
}

bool Walker::walk_detour(int vertex, const Destination& to) {
  const int door = choose_door(to);
  if (!is_placed(skeleton_.junctions[door]) || !walk_to_grid(vertex, to)) return false;
  return grid_ ? walk_switch_detour(vertex, door, to) : walk_group_detour(vertex, door, to);
}

bool Walker::walk_switch_detour(int vertex, int door, const Destination& to) {
  const int target = skeleton_.junctions[door];
  if (vertex == target) return false;
  const std::vector<int>& switches = grid_->switches();
  const auto index_of = [&](int at) {
    return static_cast<int>(std::lower_bound(switches.begin(), switches.end(), at) -
                            switches.begin());
  };
  const int between =
      choose_other(hash_, static_cast<int>(switches.size()), index_of(vertex), index_of(target));
  return between >= 0 && walk_grid(vertex, switches[between]) && walk_grid(vertex, target) &&
         follower_.descend(door, to, [this](int link) { links_.push_back(link); });
}

bool Walker::walk_group_detour(int vertex, int door, const Destination& to) {
  const int from = groups_->group_of(vertex);
  const int goal = groups_->group_of(skeleton_.junctions[door]);
  if (from == goal) return false;
  const int between = choose_other(hash_, groups_->size(), from, goal);
  if (between < 0) return false;
  const auto visit = [this](int link) { links_.push_back(link); };
  const int entered = follower_.climb(next_.approach(groups_->approach(between)),
                                      skeleton_.junction_of[vertex], visit);
  if (entered < 0) return false;
  const int last = follower_.climb(next_.approach(to.approach), entered, visit);
  return last >= 0 && follower_.descend(last, to, visit);
}

bool Walker::repeats_a_link(std::size_t first) const {
  std::vector<int> sorted(links_.begin() + static_cast<std::ptrdiff_t>(first), links_.end());
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
}

}  // namespace moesim::topologies
