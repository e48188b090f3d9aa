// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/single_switch.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"
#include "topologies/routing.h"

namespace moesim::topologies {
namespace {

using testing::example_config;

// 2 nodes x (4 accelerators + 4 NICs + 1 NVSwitch) + 1 switch = 19 vertices; per accelerator 3
// cables (NVLink, PCIe, NIC) of 2 links: 2 x 4 x 3 x 2 = 48.
TEST(SingleSwitch, HasOneSwitchAndThreeCablesPerAccelerator) {
  const Cluster cluster = build_cluster(example_config(Topology::single_switch, 2, 4));
  EXPECT_EQ(cluster.vertices.size(), 19u);
  EXPECT_EQ(cluster.links.size(), 48u);
  EXPECT_EQ(cluster.num_nodes, 2);
  EXPECT_EQ(cluster.num_ranks(), 8);
  EXPECT_EQ(cluster.node_of_rank(3), 0);
  EXPECT_EQ(cluster.node_of_rank(4), 1);
  EXPECT_EQ(cluster.vertices[cluster.accelerators[5]].name, "node1/gpu1");
}

// Inside a node two NVLinks, 2 x 1 us; between nodes PCIe, NIC, NIC, PCIe, 4 x 1 us.
TEST(SingleSwitch, RoutesHaveTheNodesLatencies) {
  const Cluster cluster = build_cluster(example_config(Topology::single_switch, 2, 4));
  Router router(cluster);
  EXPECT_EQ(router.route(0, 3).size(), 2u);
  EXPECT_DOUBLE_EQ(router.latency(0, 3).value, 2e-6);
  EXPECT_EQ(router.route(0, 7).size(), 4u);
  EXPECT_DOUBLE_EQ(router.latency(0, 7).value, 4e-6);
}

}  // namespace
}  // namespace moesim::topologies
