// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/dragonfly.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "topologies/builders/routers.h"
#include "topologies/config_checks.h"

namespace moesim::topologies {
namespace {

constexpr int kMostRouters = 65536;

// Numbers of groups whose cables share out evenly: divisors of a group's ports, plus 1.
std::vector<int> even_group_counts(std::int64_t ports) {
  std::vector<int> counts = {1};
  for (std::int64_t divisor = 1; divisor <= ports; ++divisor) {
    if (ports % divisor == 0) counts.push_back(static_cast<int>(divisor + 1));
  }
  return counts;
}

void check_global_links(const Fabric& fabric) {
  require(fabric.global_links_per_router >= 0 && fabric.global_links_per_router <= kMostRouters,
          "/cluster/fabric/global_links_per_router",
          "a router has no " + std::to_string(fabric.global_links_per_router) + " cables",
          "set it to about half of routers_per_group");
  if (fabric.global_link_bandwidth) {
    require_bandwidth(*fabric.global_link_bandwidth, "/cluster/fabric/global_link_bandwidth");
  }
  if (fabric.groups == 1) return;
  const std::int64_t ports =
      std::int64_t{fabric.routers_per_group} * fabric.global_links_per_router;
  require(ports > 0, "/cluster/fabric/global_links_per_router",
          "nothing joins the " + std::to_string(fabric.groups) + " groups", "set it to at least 1");
  if (ports % (fabric.groups - 1) == 0) return;
  require(false, "/cluster/fabric/groups",
          "a group's " + std::to_string(ports) + " cables cannot be shared out evenly among " +
              std::to_string(fabric.groups - 1) + " other groups",
          "use " + nearest_of(even_group_counts(ports), fabric.groups) + " groups");
}

// The port towards the group `distance` further on has the peer's port towards the group
// `groups - distance` further on at its other end; the copies of a pair are matched in order.
// Cables between the same two routers are one of their joint bandwidth.
void add_global_cables(Cluster& cluster, const Fabric& fabric, const std::vector<int>& routers) {
  const int others = fabric.groups - 1;
  const int h = fabric.global_links_per_router;
  const int ports = fabric.routers_per_group * h;
  std::map<std::pair<int, int>, int> cables;
  for (int group = 0; group < fabric.groups; ++group) {
    for (int port = 0; port < ports && others > 0; ++port) {
      const int distance = 1 + port % others;
      const int peer = (group + distance) % fabric.groups;
      if (peer < group) continue;  // counted from the other end
      const int peer_port = others - distance + port / others * others;
      ++cables[{group * fabric.routers_per_group + port / h,
                peer * fabric.routers_per_group + peer_port / h}];
    }
  }
  const base::BytesPerSecond bandwidth =
      fabric.global_link_bandwidth.value_or(fabric.link_bandwidth);
  for (const auto& [ends, number] : cables) {
    add_cable(cluster, routers[static_cast<std::size_t>(ends.first)],
              routers[static_cast<std::size_t>(ends.second)],
              {LinkKind::fabric, bandwidth * number, fabric.switch_latency / 2});
  }
}

}  // namespace

void check_dragonfly(const ClusterConfig& config) {
  const Fabric& fabric = config.fabric;
  check_routers(config);
  require(fabric.groups >= 1, "/cluster/fabric/groups", "a dragonfly has at least 1 group",
          "set it to 1");
  require(fabric.routers_per_group >= 1, "/cluster/fabric/routers_per_group",
          "a group has at least 1 router", "set it to 1");
  const std::int64_t places = bounded_product(
      {fabric.groups, fabric.routers_per_group, fabric.nodes_per_router}, kMostRouters);
  const int nodes = count_nodes(config);
  const int per_group = static_cast<int>(
      bounded_product({fabric.routers_per_group, fabric.nodes_per_router}, kMostRouters));
  std::string hint = "groups x routers_per_group x nodes_per_router are the nodes";
  if (nodes % per_group == 0) hint = "use " + std::to_string(nodes / per_group) + " groups";
  if (places <= kMostRouters) hint += ", or " + std::to_string(places) + " nodes";
  require(places == nodes, "/cluster/fabric/groups",
          std::to_string(fabric.groups) + " groups of " + std::to_string(fabric.routers_per_group) +
              " routers with " + std::to_string(fabric.nodes_per_router) +
              " nodes each have no place for exactly " + std::to_string(nodes) + " nodes",
          hint);
  check_global_links(fabric);
}

Cluster build_dragonfly(const ClusterConfig& config) {
  const Fabric& fabric = config.fabric;
  const int per_group = fabric.routers_per_group;
  Cluster cluster;
  std::vector<int> routers;
  for (int group = 0; group < fabric.groups; ++group) {
    for (int router = 0; router < per_group; ++router) {
      const std::string name = "group" + std::to_string(group) + "/router" + std::to_string(router);
      routers.push_back(add_fabric_switch(cluster, name, 1, {group, router}));
    }
  }
  add_nodes_at(cluster, config, routers);
  const auto router_at = [&](int group, int router) {
    return routers[static_cast<std::size_t>(group * per_group + router)];
  };
  for (int group = 0; group < fabric.groups; ++group) {
    for (int a = 0; a < per_group; ++a) {
      for (int b = a + 1; b < per_group; ++b) {
        add_cable(cluster, router_at(group, a), router_at(group, b), router_cable(config));
      }
    }
  }
  add_global_cables(cluster, fabric, routers);
  return cluster;
}

}  // namespace moesim::topologies
