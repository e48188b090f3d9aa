// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/rail_plane.h"

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

const Vertex& vertex_of(const Cluster& cluster, const std::string& name) {
  return cluster.vertices[testing::vertex_named(cluster, name)];
}

// 8 nodes x 2 NICs in pods of 4: 4 leaves; each rail has 4 spines that reach its 2 leaves.
TEST(RailOnly, EveryRailIsATreeOfItsOwn) {
  const Cluster cluster = build_cluster(example_config(Topology::rail_only, 8, 2));
  EXPECT_EQ(count_vertices(cluster, VertexKind::fabric_switch, 1), 4);
  EXPECT_EQ(count_vertices(cluster, VertexKind::fabric_switch, 2), 8);
  EXPECT_EQ(count_links(cluster, LinkKind::fabric), 2 * 4 * 4);
  EXPECT_EQ(vertex_of(cluster, "leaf3").place, std::vector<int>{1});
  EXPECT_EQ(vertex_of(cluster, "rail1/spine0").place, std::vector<int>{1});
  Router router(cluster);
  EXPECT_EQ(router.route(0, 2).size(), 4u);
  EXPECT_EQ(router.route(0, 8).size(), 6u);
  EXPECT_THROW(router.route(0, 3), base::Error);
}

TEST(RailOnly, RailsOfOnePodNeedNoSpines) {
  const Cluster cluster = build_cluster(example_config(Topology::rail_only, 4, 2));
  EXPECT_EQ(count_vertices(cluster, VertexKind::fabric_switch), 2);
}

TEST(RailOnly, NeedsAWayFromRailToRail) {
  ClusterConfig config = example_config(Topology::rail_only, 4, 2);
  EXPECT_TRUE(routing_options(config).rail_forwarding);
  config.node.scale_up = ScaleUp::none;
  EXPECT_EQ(complaint_of(config),
            "/cluster/node/scale_up: nothing leads from one rail to another (rail_only needs a "
            "scale-up link, or one NIC per node)");
  config.node.accelerators_per_node = 1;
  EXPECT_EQ(complaint_of(config), "built");
}

// 8 nodes x 4 NICs: either plane has 8 leaves and 4 spines of cables of 25 GB/s, so a NIC has two
// ports of 25 and a leaf 100 GB/s up.
TEST(DualPlane, SplitsEveryNicOverTwoFabrics) {
  const Cluster cluster = build_cluster(example_config(Topology::dual_plane, 8, 4));
  EXPECT_EQ(count_vertices(cluster, VertexKind::fabric_switch, 1), 16);
  EXPECT_EQ(count_vertices(cluster, VertexKind::fabric_switch, 2), 8);
  EXPECT_EQ(outgoing(cluster, "node3/nic2", LinkKind::nic).links, 2);
  EXPECT_DOUBLE_EQ(outgoing(cluster, "node3/nic2", LinkKind::nic).bandwidth, 50e9);
  EXPECT_DOUBLE_EQ(outgoing(cluster, "plane1/leaf2", LinkKind::fabric).bandwidth, 100e9);
  EXPECT_EQ(vertex_of(cluster, "plane1/leaf2").place, std::vector<int>{1});
  EXPECT_EQ(vertex_of(cluster, "plane0/spine3").place, std::vector<int>{0});
  for (const Link& link : cluster.links) {
    if (link.kind != LinkKind::fabric) continue;
    EXPECT_EQ(cluster.vertices[link.from].place, cluster.vertices[link.to].place) << link.name;
  }
}

// Racks of 2 trays x 2: 8 trays are 4 racks, on 2 rails of 2 leaves each.
TEST(Nvl72, RailsJoinTheTraysOfRacks) {
  const Cluster cluster = build_cluster(example_config(Topology::nvl72, 8, 2));
  EXPECT_EQ(cluster.num_nodes, 4);
  EXPECT_EQ(count_vertices(cluster, VertexKind::fabric_switch, 1), 4);
  EXPECT_TRUE(testing::has_link(cluster, "rack1/tray1/nic1->leaf1"));
  EXPECT_TRUE(testing::has_link(cluster, "rack2/tray0/nic1->leaf3"));
}

TEST(Nvl72, IsBuiltOfTrays) {
  ClusterConfig config = example_config(Topology::nvl72, 8, 2);
  config.node.scale_up_domain.reset();
  EXPECT_TRUE(complaint_of(config).starts_with("/cluster/node/scale_up_domain: racks are built"));
}

// Nodes 0-3 bring 50 GB/s to a rail's leaf, nodes 4-7 25: the leaves have 200 and 100 GB/s up.
TEST(RailPlane, UplinksFollowTheNicsOfUnlikeNodes) {
  ClusterConfig config = example_config(Topology::rail_optimized_fat_tree, 0, 2);
  NodeGroup fast{config.node, 4};
  NodeGroup slow = fast;
  slow.node.nic_bandwidth = base::BytesPerSecond(25e9);
  config.node_groups = {fast, slow};
  const Cluster cluster = build_cluster(config);
  EXPECT_DOUBLE_EQ(outgoing(cluster, "leaf1", LinkKind::fabric).bandwidth, 200e9);
  EXPECT_DOUBLE_EQ(outgoing(cluster, "leaf2", LinkKind::fabric).bandwidth, 100e9);
}

TEST(RailPlane, NeedsEquallyManyNicsInEveryNode) {
  ClusterConfig config = example_config(Topology::rail_optimized_fat_tree, 0, 4);
  NodeGroup four{config.node, 1};
  NodeGroup two = four;
  two.node.nics_per_node = 2;
  config.node_groups = {four, two};
  EXPECT_EQ(complaint_of(config),
            "/cluster/node_groups/1/node/nics_per_node: rails need equally many NICs in every "
            "node: here 2, in the first node 4 (set it to 4, or use topology fat_tree)");
  config.topology = Topology::fat_tree;
  EXPECT_EQ(complaint_of(config), "built");
}

}  // namespace
}  // namespace moesim::topologies
