// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/walker.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "tests/support/routed_clusters.h"

namespace moesim::topologies {
namespace {

using testing::DrawnGrid;
using testing::names_along;

// The routers on the way between two places, by name.
std::string routers_between(const DrawnGrid& grid, Router& router, const std::vector<int>& from,
                            const std::vector<int>& to) {
  const Cluster& cluster = grid.drawn.cluster;
  std::string names;
  for (const int link : router.walk(grid.rank_at.at(from), grid.rank_at.at(to))) {
    const Vertex& vertex = cluster.vertices[cluster.links[link].to];
    if (vertex.kind == VertexKind::fabric_switch) names += (names.empty() ? "" : " ") + vertex.name;
  }
  return names;
}

// x before y, back round the ring where that is shorter.
TEST(DimensionOrder, WalksOneDimensionAfterTheOther) {
  const DrawnGrid torus = testing::drawn_torus(5, 4);
  Router router(torus.drawn.cluster, {.policy = RoutingPolicy::dimension_order});
  EXPECT_EQ(routers_between(torus, router, {0, 0}, {2, 1}), "r00 r10 r20 r21");
  EXPECT_EQ(routers_between(torus, router, {2, 1}, {0, 0}), "r21 r11 r01 r00");
  EXPECT_EQ(routers_between(torus, router, {0, 0}, {3, 3}), "r00 r40 r30 r33");
  EXPECT_EQ(routers_between(torus, router, {1, 2}, {1, 2}), "");
  EXPECT_EQ(router.route(0, 5).size(), 6u);  // r00 -> r10 -> r11, two links at either end
}

// Half way round a ring of 4 both ways are as long: some pairs go up, some down, none turns.
TEST(DimensionOrder, SharesTheTwoWaysRoundByTheHash) {
  const DrawnGrid torus = testing::drawn_torus(3, 4);
  Router router(torus.drawn.cluster, {.policy = RoutingPolicy::dimension_order});
  std::set<std::string> seen;
  for (int x = 0; x < 3; ++x) {
    for (int y = 0; y < 4; ++y) {
      const std::string way = routers_between(torus, router, {x, y}, {x, (y + 2) % 4});
      EXPECT_EQ(way.size(), 11u);  // three routers
      const bool up = way.substr(6, 1) == std::to_string((y + 1) % 4);
      seen.insert(up ? "up" : "down");
    }
  }
  EXPECT_EQ(seen.size(), 2u);
}

// r00 -> r10 is down: to r11 the other dimension goes first, as a shortest way does.
TEST(DimensionOrder, TakesAShortestWayWhereItsOwnIsDown) {
  const DrawnGrid torus = testing::drawn_torus(5, 5);
  Router router(torus.drawn.cluster, {.policy = RoutingPolicy::dimension_order});
  EXPECT_EQ(routers_between(torus, router, {0, 0}, {1, 1}), "r00 r10 r11");
  for (std::size_t l = 0; l < torus.drawn.cluster.links.size(); ++l) {
    if (torus.drawn.cluster.links[l].name != "r00->r10") continue;
    router.apply(std::vector<LinkChange>{{.link = static_cast<int>(l), .up = false}});
  }
  EXPECT_EQ(routers_between(torus, router, {0, 0}, {1, 1}), "r00 r01 r11");
  EXPECT_EQ(routers_between(torus, router, {1, 1}, {0, 0}), "r11 r01 r00");
}

TEST(DimensionOrder, HyperXTakesOneHopADimension) {
  const Cluster cluster =
      build_cluster(testing::config_of_topology(Topology::hyperx));  // 4 x 3 x 2
  Router router(cluster, {.policy = RoutingPolicy::dimension_order});
  for (int source = 0; source < cluster.num_ranks(); ++source) {
    for (int destination = 0; destination < cluster.num_ranks(); ++destination) {
      int last_dimension = -1;
      for (const int link : router.walk(source, destination)) {
        const std::vector<int>& from = cluster.vertices[cluster.links[link].from].place;
        const std::vector<int>& to = cluster.vertices[cluster.links[link].to].place;
        if (from.empty() || to.empty()) continue;
        int dimension = 0;
        while (from[dimension] == to[dimension]) ++dimension;
        EXPECT_GT(dimension, last_dimension);
        last_dimension = dimension;
      }
    }
  }
}

TEST(Policies, NeedTheirFabric) {
  const Cluster star = testing::example_star({0, 0});
  const Cluster dragonfly = build_cluster(testing::config_of_topology(Topology::dragonfly));
  EXPECT_THROW(Router(star, {.policy = RoutingPolicy::dimension_order}), base::Error);
  EXPECT_THROW(Router(star, {.policy = RoutingPolicy::valiant}), base::Error);
  EXPECT_THROW(Router(dragonfly, {.policy = RoutingPolicy::dimension_order}), base::Error);
  EXPECT_NO_THROW(Router(dragonfly, {.policy = RoutingPolicy::valiant}));
  EXPECT_NO_THROW(Router(star, {.policy = RoutingPolicy::spray}));
}

// The groups that a way passes, in order.
std::vector<int> groups_along(const Cluster& cluster, std::span<const int> links) {
  std::vector<int> groups;
  for (const int link : links) {
    const Vertex& vertex = cluster.vertices[cluster.links[link].to];
    if (vertex.kind != VertexKind::fabric_switch) continue;
    if (groups.empty() || groups.back() != vertex.place[0]) groups.push_back(vertex.place[0]);
  }
  return groups;
}

// Between two of the four groups: one of the two others is crossed, over the pairs each of them; at
// most local, global, local, global, local. Inside a group no other is. ecmp crosses no third one.
TEST(Valiant, CrossesOneThirdGroupOfADragonfly) {
  const Cluster cluster = build_cluster(testing::config_of_topology(Topology::dragonfly));
  Router valiant(cluster, {.policy = RoutingPolicy::valiant});
  Router minimal(cluster);
  std::set<std::vector<int>> crossed;
  for (int source = 0; source < cluster.num_ranks(); ++source) {
    for (int destination = 0; destination < cluster.num_ranks(); ++destination) {
      const std::vector<int> shortest = groups_along(cluster, minimal.walk(source, destination));
      const std::vector<int> groups = groups_along(cluster, valiant.walk(source, destination));
      if (shortest.size() < 2) {
        EXPECT_EQ(groups, shortest);
        continue;
      }
      EXPECT_EQ(shortest.size(), 2u);
      ASSERT_EQ(groups.size(), 3u);
      EXPECT_EQ(groups.front(), shortest.front());
      EXPECT_EQ(groups.back(), shortest.back());
      EXPECT_LE(valiant.walk(source, destination).size(), 5u + 4u);
      crossed.insert(groups);
    }
  }
  EXPECT_EQ(crossed.size(), 4u * 3u * 2u);
}

// All traffic from group 0 to group 1 over their one global cable, or over those of both other
// groups: 6 ranks x 6 ranks x 1 MB on the cable, against half of that on each detour.
TEST(Valiant, SpreadsWhatMinimalRoutingPutsOnOneCable) {
  const Cluster cluster = build_cluster(testing::config_of_topology(Topology::dragonfly));
  std::vector<Transfer> transfers;
  for (int source = 0; source < 6; ++source) {
    for (int i = 6; i < 12; ++i) transfers.push_back({source, i, base::Bytes(1e6)});
  }
  const auto busiest_global = [&](RoutingPolicy policy) {
    Router router(cluster, {.policy = policy});
    double busiest = 0;
    for (const LinkLoad& load : link_loads(router, transfers)) {
      const Vertex& from = cluster.vertices[cluster.links[load.link].from];
      const Vertex& to = cluster.vertices[cluster.links[load.link].to];
      if (from.place.empty() || to.place.empty() || from.place[0] == to.place[0]) continue;
      busiest = std::max(busiest, load.bytes.value);
    }
    return busiest;
  };
  EXPECT_EQ(busiest_global(RoutingPolicy::ecmp), 36e6);
  EXPECT_LE(busiest_global(RoutingPolicy::valiant), 24e6);
}

// Every pair's way leads through a switch off the shortest ways of most, and twice over no link.
TEST(Valiant, DetoursOverATorusWithoutRepeatingALink) {
  const Cluster cluster = build_cluster(testing::config_of_topology(Topology::torus));
  Router valiant(cluster, {.policy = RoutingPolicy::valiant});
  Router minimal(cluster);
  int longer = 0;
  int pairs = 0;
  for (int source = 0; source < cluster.num_ranks(); ++source) {
    for (int destination = 0; destination < cluster.num_ranks(); ++destination) {
      const std::span<const int> links = valiant.walk(source, destination);
      const std::set<int> distinct(links.begin(), links.end());
      ASSERT_EQ(distinct.size(), links.size());
      const std::size_t shortest = minimal.walk(source, destination).size();
      ASSERT_GE(links.size(), shortest);
      longer += links.size() > shortest;
      ++pairs;
    }
  }
  EXPECT_GT(longer, pairs / 2);
}

// Rail 0's rank 0 sends to rank 3 of the other node, on rail 1: over the NVSwitch to rank 1 and its
// NIC, and not over the spine. Ranks of one node, or of one rail, need no help.
TEST(RailForwarding, GoesOverTheNeighbourOnTheDestinationsRail) {
  ClusterConfig config = testing::example_config(Topology::rail_optimized_fat_tree, 2, 2);
  const Cluster cluster = build_cluster(config);
  Router router(cluster, {.rail_forwarding = true});
  EXPECT_EQ(names_along(cluster, router.walk(0, 3)),
            "node0/gpu0 node0/nvswitch node0/gpu1 node0/nic1 leaf1 node1/nic1 node1/gpu1");
  EXPECT_EQ(names_along(cluster, router.walk(0, 2)),
            "node0/gpu0 node0/nic0 leaf0 node1/nic0 node1/gpu0");
  EXPECT_EQ(names_along(cluster, router.walk(0, 1)), "node0/gpu0 node0/nvswitch node0/gpu1");
  EXPECT_DOUBLE_EQ(router.latency(0, 3).value, 2e-6 + 4e-6);
}

// Without forwarding, the rails of a rail-only fabric are worlds of their own.
TEST(RailForwarding, JoinsTheRailsOfARailOnlyFabric) {
  const Cluster cluster = build_cluster(testing::config_of_topology(Topology::rail_only));
  Router plain(cluster);
  Router forwarding(cluster, {.rail_forwarding = true});
  EXPECT_FALSE(plain.has_route(0, 5));
  for (int source = 0; source < cluster.num_ranks(); ++source) {
    for (int destination = 0; destination < cluster.num_ranks(); ++destination) {
      ASSERT_TRUE(forwarding.has_route(source, destination));
    }
  }
}

// Where links lead to one after the other, -1 where they do not join or one comes twice.
int end_of(const Cluster& cluster, int vertex, std::span<const int> links) {
  std::set<int> seen;
  for (const int link : links) {
    if (cluster.links[link].from != vertex || !seen.insert(link).second) return -1;
    vertex = cluster.links[link].to;
  }
  return vertex;
}

bool fits(RoutingPolicy policy, Topology topology) {
  const bool is_grid = topology == Topology::torus || topology == Topology::hyperx;
  if (policy == RoutingPolicy::dimension_order) return is_grid;
  return policy != RoutingPolicy::valiant || is_grid || topology == Topology::dragonfly;
}

class EveryPolicy : public ::testing::TestWithParam<RoutingPolicy> {};

TEST_P(EveryPolicy, WalksFromEndToEndInSharesOfOne) {
  for (const Topology topology : testing::all_topologies()) {
    if (!fits(GetParam(), topology)) continue;
    const Cluster cluster = build_cluster(testing::config_of_topology(topology));
    Router router(cluster, {.policy = GetParam(), .rail_forwarding = true, .seed = 3});
    testing::for_all_pairs(cluster, [&](int source, int destination) {
      const std::span<const Path> walked = router.walk_paths(source, destination);
      std::vector<std::vector<int>> links;
      for (const Path& path : walked) links.emplace_back(path.links.begin(), path.links.end());
      double shares = source == destination ? 1 : 0;
      std::size_t i = 0;
      for (const Path& path : router.paths(source, destination)) {
        shares += path.share;
        const int start = cluster.accelerators[source];
        ASSERT_EQ(std::vector<int>(path.links.begin(), path.links.end()), links.at(i++));
        ASSERT_EQ(end_of(cluster, start, path.links), cluster.accelerators[destination]);
      }
      ASSERT_NEAR(shares, 1, 1e-12);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, EveryPolicy,
                         ::testing::Values(RoutingPolicy::ecmp, RoutingPolicy::spray,
                                           RoutingPolicy::dimension_order, RoutingPolicy::valiant));

}  // namespace
}  // namespace moesim::topologies
