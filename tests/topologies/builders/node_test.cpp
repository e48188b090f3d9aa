// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/node.h"

#include <gtest/gtest.h>

#include "tests/support/built_cluster.h"
#include "tests/support/example_cluster.h"
#include "topologies/routing.h"

namespace moesim::topologies {
namespace {

using testing::count_links;
using testing::count_vertices;
using testing::example_config;
using testing::link_named;
using testing::outgoing;

ClusterConfig two_nodes_of_four() { return example_config(Topology::single_switch, 2, 4); }

// 4 accelerators to a node, each to each: 6 cables, of 400 / 3 GB/s and the whole 2 us.
TEST(NodeBuilder, AMeshDividesTheScaleUpBandwidthAmongItsLinks) {
  ClusterConfig config = two_nodes_of_four();
  config.node.scale_up = ScaleUp::full_mesh;
  const Cluster cluster = build_cluster(config);
  EXPECT_EQ(count_vertices(cluster, VertexKind::scale_up_switch), 0);
  EXPECT_EQ(count_links(cluster, LinkKind::scale_up), 2 * 6 * 2);
  EXPECT_DOUBLE_EQ(link_named(cluster, "node1/gpu3->node1/gpu0").bandwidth.value, 400e9 / 3);
  EXPECT_NEAR(outgoing(cluster, "node0/gpu2", LinkKind::scale_up).bandwidth, 400e9, 1);
  Router router(cluster);
  EXPECT_EQ(router.route(0, 3).size(), 1u);
  EXPECT_DOUBLE_EQ(router.latency(0, 3).value, 2e-6);
  EXPECT_DOUBLE_EQ(router.latency(0, 7).value, 4e-6);
}

// Accelerator, NIC, switch, NIC, accelerator: 4 us, as between nodes.
TEST(NodeBuilder, WithoutScaleUpANodeTalksOverItsNics) {
  ClusterConfig config = two_nodes_of_four();
  config.node.scale_up = ScaleUp::none;
  const Cluster cluster = build_cluster(config);
  EXPECT_EQ(count_links(cluster, LinkKind::scale_up), 0);
  Router router(cluster);
  EXPECT_EQ(router.route(0, 3).size(), 4u);
  EXPECT_DOUBLE_EQ(router.latency(0, 3).value, 4e-6);
}

// 2 accelerators and their 2 NICs on each of 2 switches: 4 cables of 64 GB/s to a switch. A quarter
// of 4 us lies between accelerator and NIC, so 4 us from end to end.
TEST(NodeBuilder, APcieSwitchJoinsItsAcceleratorsAndTheirNics) {
  ClusterConfig config = two_nodes_of_four();
  config.node.accelerators_per_pcie_switch = 2;
  const Cluster cluster = build_cluster(config);
  EXPECT_EQ(count_vertices(cluster, VertexKind::pcie_switch), 4);
  EXPECT_EQ(count_links(cluster, LinkKind::pcie), 2 * 2 * 4 * 2);
  EXPECT_EQ(outgoing(cluster, "node1/pcie1", LinkKind::pcie).links, 4);
  EXPECT_TRUE(testing::has_link(cluster, "node1/pcie1->node1/nic3"));
  EXPECT_FALSE(testing::has_link(cluster, "node1/pcie1->node1/nic1"));
  Router router(cluster);
  EXPECT_EQ(router.route(0, 7).size(), 6u);
  EXPECT_DOUBLE_EQ(router.latency(0, 7).value, 4e-6);
}

// Over a shared NIC or PCIe switch the neighbour is two links away, as over the scale-up switch.
TEST(NodeBuilder, NeighboursThatShareANicStillTalkOverTheScaleUpLink) {
  for (const bool has_pcie_switch : {false, true}) {
    ClusterConfig config = two_nodes_of_four();
    config.node.nics_per_node = 2;
    if (has_pcie_switch) config.node.accelerators_per_pcie_switch = 2;
    const Cluster cluster = build_cluster(config);
    EXPECT_EQ(count_vertices(cluster, VertexKind::nic), 4);
    Router router(cluster);
    for (int pair = 0; pair < 16; ++pair) {
      for (const int link : router.route(pair / 4, pair % 4)) {
        EXPECT_EQ(cluster.links[link].kind, LinkKind::scale_up);
      }
    }
    EXPECT_EQ(router.route(0, 4).size(), has_pcie_switch ? 6u : 4u);
  }
}

// 4 accelerators, 8 NICs: accelerator 1 has NICs 2 and 3, 50 GB/s each.
TEST(NodeBuilder, AnAcceleratorMayHaveSeveralNics) {
  ClusterConfig config = two_nodes_of_four();
  config.node.nics_per_node = 8;
  const Cluster cluster = build_cluster(config);
  EXPECT_EQ(outgoing(cluster, "node0/gpu1", LinkKind::pcie).links, 2);
  EXPECT_TRUE(testing::has_link(cluster, "node0/gpu1->node0/nic3"));
  EXPECT_EQ(cluster.vertices[testing::vertex_named(cluster, "node0/nic3")].rank, 1);
  EXPECT_EQ(outgoing(cluster, "switch", LinkKind::nic).links, 16);
}

// NICs are numbered as their users say, whichever of them comes first.
TEST(NodeBuilder, TheListSaysWhichNicAnAcceleratorUses) {
  ClusterConfig config = two_nodes_of_four();
  config.node.nic_of_accelerator = {3, 2, 1, 0};
  const Cluster cluster = build_cluster(config);
  EXPECT_TRUE(testing::has_link(cluster, "node1/gpu0->node1/nic3"));
  EXPECT_EQ(cluster.vertices[testing::vertex_named(cluster, "node1/nic3")].rank, 4);
}

// 5 trays of 2 accelerators, 4 to a switch: racks of 2, 2 and 1 trays, each rack one node.
TEST(NodeBuilder, TraysOfARackShareOneSwitch) {
  ClusterConfig config = example_config(Topology::single_switch, 5, 2);
  config.node.scale_up_domain = 4;
  config.node.in_switch_reduction = true;
  const Cluster cluster = build_cluster(config);
  EXPECT_EQ(cluster.num_nodes, 3);
  EXPECT_EQ(cluster.num_ranks(), 10);
  EXPECT_EQ(cluster.vertices[cluster.accelerators[3]].name, "rack0/tray1/gpu1");
  EXPECT_EQ(cluster.vertices[cluster.accelerators[4]].name, "rack1/tray0/gpu0");
  EXPECT_EQ(cluster.node_of_rank(3), 0);
  EXPECT_EQ(cluster.node_of_rank(9), 2);
  EXPECT_EQ(outgoing(cluster, "rack0/nvswitch", LinkKind::scale_up).links, 4);
  EXPECT_EQ(outgoing(cluster, "rack2/nvswitch", LinkKind::scale_up).links, 2);
  EXPECT_EQ(cluster.reducers.size(), 3u);
  Router router(cluster);
  EXPECT_EQ(router.route(0, 3).size(), 2u);
  EXPECT_EQ(router.route(3, 4).size(), 4u);
}

// Two nodes of 4 with 50 GB/s NICs, then one of 2 with 25 GB/s: ranks 0-7 and 8-9.
TEST(NodeBuilder, NodesMayDiffer) {
  ClusterConfig config = two_nodes_of_four();
  NodeGroup fast{config.node, 2};
  NodeGroup slow = fast;
  slow.num_nodes = 1;
  slow.node.accelerators_per_node = 2;
  slow.node.nic_bandwidth = base::BytesPerSecond(25e9);
  slow.node.scale_up = ScaleUp::none;
  config.node_groups = {fast, slow};
  const Cluster cluster = build_cluster(config);
  EXPECT_EQ(cluster.num_ranks(), 10);
  EXPECT_EQ(cluster.num_nodes, 3);
  EXPECT_EQ(cluster.node_of_rank(8), 2);
  EXPECT_EQ(cluster.vertices[cluster.accelerators[9]].name, "node2/gpu1");
  EXPECT_EQ(link_named(cluster, "switch->node1/nic0").bandwidth.value, 50e9);
  EXPECT_EQ(link_named(cluster, "switch->node2/nic1").bandwidth.value, 25e9);
  EXPECT_EQ(count_vertices(cluster, VertexKind::scale_up_switch), 2);
}

}  // namespace
}  // namespace moesim::topologies
