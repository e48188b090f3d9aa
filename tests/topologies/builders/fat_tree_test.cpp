// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/fat_tree.h"

#include <gtest/gtest.h>

#include "tests/support/built_cluster.h"
#include "tests/support/example_cluster.h"
#include "topologies/routing.h"

namespace moesim::topologies {
namespace {

using testing::complaint_of;
using testing::count_links;
using testing::count_vertices;
using testing::example_config;
using testing::outgoing;

// 8 nodes x 2 NICs, 4 nodes to a leaf: 2 leaves of 8 NICs, so 8 spines; 2 x 8 cables.
TEST(FatTree, ANodesNicsAreOnOneLeaf) {
  const Cluster cluster = build_cluster(example_config(Topology::fat_tree, 8, 2));
  EXPECT_EQ(count_vertices(cluster, VertexKind::fabric_switch, 1), 2);
  EXPECT_EQ(count_vertices(cluster, VertexKind::fabric_switch, 2), 8);
  EXPECT_EQ(count_links(cluster, LinkKind::fabric), 32);
  EXPECT_EQ(outgoing(cluster, "leaf1", LinkKind::nic).links, 8);
  EXPECT_DOUBLE_EQ(outgoing(cluster, "leaf0", LinkKind::fabric).bandwidth, 400e9);
  Router router(cluster);
  EXPECT_EQ(router.route(0, 7).size(), 4u);  // another rail, the same leaf
  EXPECT_EQ(router.route(0, 8).size(), 6u);
  EXPECT_DOUBLE_EQ(router.latency(0, 8).value, 5e-6);
}

// 16 nodes x 2 NICs, 2 nodes to a leaf: 8 leaves of 200 GB/s. 2:1 leaves 100 GB/s over 2 spines; 2
// leaves to a pod: 4 pods of 2 spines. A spine has 2 x 50 GB/s below, at 2:1 one core of 50 GB/s.
// So 2 cores. Half of the nodes bring 800 GB/s; between the halves lie 200 = 800 / 4.
TEST(FatTree, ThreeTiersNarrowTwice) {
  ClusterConfig config = example_config(Topology::fat_tree, 16, 2);
  config.fabric.nodes_per_leaf = 2;
  config.fabric.oversubscription = 2;
  config.fabric.tiers = 3;
  config.fabric.leaves_per_pod = 2;
  config.fabric.core_oversubscription = 2;
  const Cluster cluster = build_cluster(config);
  EXPECT_EQ(count_vertices(cluster, VertexKind::fabric_switch, 1), 8);
  EXPECT_EQ(count_vertices(cluster, VertexKind::fabric_switch, 2), 8);
  EXPECT_EQ(count_vertices(cluster, VertexKind::fabric_switch, 3), 2);
  EXPECT_EQ(count_links(cluster, LinkKind::fabric), 2 * (8 * 2 + 8 * 1));
  EXPECT_DOUBLE_EQ(outgoing(cluster, "leaf5", LinkKind::fabric).bandwidth, 100e9);
  EXPECT_DOUBLE_EQ(outgoing(cluster, "core1", LinkKind::fabric).bandwidth, 4 * 50e9);
  Router router(cluster);
  EXPECT_EQ(router.route(0, 2).size(), 4u);
  EXPECT_EQ(router.route(0, 4).size(), 6u);
  EXPECT_EQ(router.route(0, 8).size(), 8u);
  EXPECT_DOUBLE_EQ(router.latency(0, 8).value, 6e-6);
}

TEST(FatTree, ATierThatWouldJoinOneSwitchIsLeftOut) {
  ClusterConfig config = example_config(Topology::fat_tree, 4, 2);
  EXPECT_EQ(count_vertices(build_cluster(config), VertexKind::fabric_switch), 1);
  config.num_nodes = 8;
  config.fabric.tiers = 3;
  config.fabric.leaves_per_pod = 2;
  EXPECT_EQ(count_vertices(build_cluster(config), VertexKind::fabric_switch, 3), 0);
  EXPECT_EQ(count_vertices(build_cluster(config), VertexKind::fabric_switch, 2), 8);
}

// A leaf of 4 nodes, 2 with one 50 GB/s NIC and 2 with two of 20 GB/s: 180 GB/s below, 180 above.
TEST(FatTree, UplinksFollowTheNicsOfUnlikeNodes) {
  ClusterConfig config = example_config(Topology::fat_tree, 0, 1);
  NodeGroup one{config.node, 2};
  NodeGroup two = one;
  two.node.nics_per_node = 2;
  two.node.nic_bandwidth = base::BytesPerSecond(20e9);
  config.node_groups = {one, two, one, two};
  const Cluster cluster = build_cluster(config);
  EXPECT_NEAR(outgoing(cluster, "leaf0", LinkKind::nic).bandwidth, 180e9, 1);
  EXPECT_NEAR(outgoing(cluster, "leaf0", LinkKind::fabric).bandwidth, 180e9, 1);
}

// 8 nodes of 8 NICs, one to a leaf: 8 x 50 GB/s below, 100 GB/s above at 4:1, over 2 spines; at 8:1
// 50 GB/s over one. Of leaves with room for 4 nodes the full one counts, though there is one alone.
TEST(FatTree, OversubscriptionCountsALeafsNics) {
  ClusterConfig config = example_config(Topology::fat_tree, 8, 8);
  config.fabric.nodes_per_leaf = 1;
  config.fabric.oversubscription = 4;
  Cluster cluster = build_cluster(config);
  EXPECT_EQ(count_vertices(cluster, VertexKind::fabric_switch, 2), 2);
  EXPECT_EQ(outgoing(cluster, "leaf7", LinkKind::fabric).links, 2);
  EXPECT_DOUBLE_EQ(outgoing(cluster, "leaf7", LinkKind::fabric).bandwidth, 100e9);
  config.fabric.oversubscription = 8;
  cluster = build_cluster(config);
  EXPECT_EQ(outgoing(cluster, "leaf0", LinkKind::fabric).links, 1);
  EXPECT_DOUBLE_EQ(outgoing(cluster, "leaf0", LinkKind::fabric).bandwidth, 50e9);
  config.fabric.oversubscription = 9;
  EXPECT_EQ(complaint_of(config),
            "/cluster/fabric/oversubscription: leaves of 8 NICs have less than one uplink (at most "
            "8, or more below)");
  config.num_nodes = 1;
  config.fabric.nodes_per_leaf = 4;
  config.fabric.oversubscription = 32;
  EXPECT_EQ(complaint_of(config), "built");
  config.fabric.oversubscription = 33;
  EXPECT_TRUE(complaint_of(config).starts_with("/cluster/fabric/oversubscription: "));
}

TEST(FatTree, SizesThatCannotBeAreNamed) {
  ClusterConfig config = example_config(Topology::fat_tree, 8, 2);
  config.fabric.tiers = 4;
  EXPECT_EQ(complaint_of(config), "/cluster/fabric/tiers: a fat tree of 4 tiers (use 2 or 3)");
  config.fabric.tiers = 3;
  EXPECT_TRUE(complaint_of(config).starts_with("/cluster/fabric/leaves_per_pod: "));
  config.fabric.leaves_per_pod = 2;
  EXPECT_EQ(complaint_of(config), "built");
  config.fabric.core_oversubscription = 3;
  EXPECT_EQ(complaint_of(config),
            "/cluster/fabric/core_oversubscription: spines of 2 leaves have less than one uplink "
            "(at most 2, or more below)");
  config.fabric.oversubscription = 9;  // 4 nodes of 2 NICs on a leaf
  EXPECT_TRUE(complaint_of(config).starts_with("/cluster/fabric/oversubscription: "));
}

}  // namespace
}  // namespace moesim::topologies
