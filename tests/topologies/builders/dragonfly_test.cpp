// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/dragonfly.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/built_cluster.h"
#include "tests/support/example_cluster.h"
#include "topologies/routing.h"

namespace moesim::topologies {
namespace {

using testing::complaint_of;
using testing::example_config;
using testing::outgoing;

ClusterConfig dragonfly(int groups, int routers_per_group, int global_links) {
  ClusterConfig config = example_config(Topology::dragonfly, groups * routers_per_group, 1);
  config.fabric.groups = groups;
  config.fabric.routers_per_group = routers_per_group;
  config.fabric.global_links_per_router = global_links;
  config.fabric.link_bandwidth = base::BytesPerSecond(10e9);
  return config;
}

// Bandwidth from group to group, in cables of 10 GB/s.
std::map<std::pair<int, int>, double> cables_between_groups(const Cluster& cluster) {
  std::map<std::pair<int, int>, double> cables;
  for (const Link& link : cluster.links) {
    if (link.kind != LinkKind::fabric) continue;
    const int from = cluster.vertices[link.from].place[0];
    const int to = cluster.vertices[link.to].place[0];
    if (from != to) cables[{from, to}] += link.bandwidth.value / 10e9;
  }
  return cables;
}

// The largest for a = 4, h = 2: 9 groups, each pair joined by one cable. 9 x 6 local and 36 global
// cables. Every router has 3 + 2 of them.
TEST(Dragonfly, TheLargestJoinsEveryTwoGroupsByOneCable) {
  const Cluster cluster = build_cluster(dragonfly(9, 4, 2));
  EXPECT_EQ(testing::count_links(cluster, LinkKind::fabric), 2 * (54 + 36));
  const auto cables = cables_between_groups(cluster);
  EXPECT_EQ(cables.size(), 72u);
  for (const auto& [groups, number] : cables) EXPECT_EQ(number, 1) << groups.first;
  for (int group = 0; group < 9; ++group) {
    const std::string name = "group" + std::to_string(group) + "/router3";
    EXPECT_EQ(outgoing(cluster, name, LinkKind::fabric).links, 5);
  }
  EXPECT_EQ(cluster.vertices[testing::vertex_named(cluster, "group8/router1")].place,
            (std::vector<int>{8, 1}));
  // At most local, global, local: 3 links between the 4 outside.
  Router router(cluster);
  for (int rank = 1; rank < 36; ++rank) EXPECT_LE(router.route(0, rank).size(), 4u + 3u);
}

// 3 groups of 4 x 2 ports: 4 cables between every two.
TEST(Dragonfly, FewerGroupsShareTheCablesEvenly) {
  const Cluster cluster = build_cluster(dragonfly(3, 4, 2));
  const auto cables = cables_between_groups(cluster);
  EXPECT_EQ(cables.size(), 6u);
  for (const auto& [groups, number] : cables) EXPECT_EQ(number, 4) << groups.first;
}

// 2 groups of one router with 4 cables: one link of 4 x 10 GB/s; 4 x 30 where global cables are.
TEST(Dragonfly, CablesBetweenTheSameRoutersAreOneLink) {
  ClusterConfig config = dragonfly(2, 1, 4);
  EXPECT_EQ(
      testing::link_named(build_cluster(config), "group0/router0->group1/router0").bandwidth.value,
      40e9);
  config.fabric.global_link_bandwidth = base::BytesPerSecond(30e9);
  EXPECT_EQ(
      testing::link_named(build_cluster(config), "group1/router0->group0/router0").bandwidth.value,
      120e9);
}

TEST(Dragonfly, SizesThatCannotBeAreNamedWithThoseThatCan) {
  ClusterConfig config = dragonfly(7, 4, 2);
  config.num_nodes = 36;
  EXPECT_EQ(complaint_of(config),
            "/cluster/fabric/groups: 7 groups of 4 routers with 1 nodes each have no place for "
            "exactly 36 nodes (use 9 groups, or 28 nodes)");
  // 8 ports among 6 other groups; 1, 2, 4 and 8 others would do.
  EXPECT_EQ(complaint_of(dragonfly(7, 4, 2)),
            "/cluster/fabric/groups: a group's 8 cables cannot be shared out evenly among 6 other "
            "groups (use 5 or 9 groups)");
  EXPECT_TRUE(complaint_of(dragonfly(2, 4, 0))
                  .starts_with("/cluster/fabric/global_links_per_router: nothing joins"));
  EXPECT_EQ(complaint_of(dragonfly(1, 4, 0)), "built");
}

}  // namespace
}  // namespace moesim::topologies
