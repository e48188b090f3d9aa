// SPDX-License-Identifier: Apache-2.0
// One way of a pair of endpoints by the router's policy, over the links that are up.
#pragma once

#include <optional>
#include <vector>

#include "topologies/routing.h"
#include "topologies/routing/detour.h"
#include "topologies/routing/follow.h"
#include "topologies/routing/next_hops.h"
#include "topologies/routing/rails.h"
#include "topologies/routing/skeleton.h"
#include "topologies/routing/switch_grid.h"

namespace moesim::topologies {

// Throws base::Error where the fabric does not fit the policy.
void check_policy(const Cluster& cluster, RoutingPolicy policy);

class Walker {
 public:
  // Keeps a reference to the cluster, whose fabric fits the policy.
  Walker(const Cluster& cluster, const RoutingOptions& options, const std::vector<char>& up);

  // Calls visit(link) for each link from source to destination; spray: of one of the ways. False
  // where there is none; some links may have been visited by then.
  template <class Visit>
  bool walk(int source, int destination, Visit visit) {
    hash_.set(source, destination);
    const int vertex = cluster_.vertex_of_endpoint(source);
    const Destination& to = next_.towards(cluster_.vertex_of_endpoint(destination));
    if (is_shortest_) return follower_.follow(vertex, to, visit);
    if (!walk_by_policy(vertex, to)) return false;
    for (const int link : links_) visit(link);
    return true;
  }

  // The neighbour that sends a message on (RoutingOptions::rail_forwarding), -1 if none does.
  int forwarder(int source, int destination);

  NextHops& next() { return next_; }

 private:
  bool walk_by_policy(int vertex, const Destination& to);
  bool find_forwarder(int vertex, const Destination& to, int& forwarder);
  bool walk_shortest(int vertex, const Destination& to);
  // The following leave the way in links_ behind what is there, false where the policy has none.
  bool walk_to_grid(int& vertex, const Destination& to);
  bool walk_grid(int& vertex, int target);
  bool walk_dimension_order(int vertex, const Destination& to);
  bool walk_detour(int vertex, const Destination& to);
  bool walk_group_detour(int vertex, int door, const Destination& to);
  bool walk_switch_detour(int vertex, int door, const Destination& to);
  bool is_placed(int vertex) const;
  int choose_door(const Destination& to) const;
  bool repeats_a_link(std::size_t first) const;

  const Cluster& cluster_;
  RoutingPolicy policy_;
  bool is_shortest_;
  Skeleton skeleton_;
  NextHops next_;
  PairHash hash_;
  Follower follower_;
  std::optional<Rails> rails_;
  std::optional<SwitchGrid> grid_;  // dimension_order; valiant if complete
  std::optional<Groups> groups_;    // valiant on a dragonfly
  std::vector<int> links_;
};

}  // namespace moesim::topologies
