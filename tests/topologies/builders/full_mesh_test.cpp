// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/full_mesh.h"

#include <gtest/gtest.h>

#include "tests/support/built_cluster.h"
#include "tests/support/example_cluster.h"
#include "topologies/routing.h"

namespace moesim::topologies {
namespace {

using testing::complaint_of;
using testing::count_links;
using testing::example_config;
using testing::outgoing;

// 3 nodes x 2 NICs: 4 peers each, so 6 x 4 / 2 = 12 cables of 50 / 4 GB/s; 1 + 2 + 1 us.
TEST(FullMesh, JoinsNicsOfDifferentNodes) {
  const Cluster cluster = build_cluster(example_config(Topology::full_mesh, 3, 2));
  EXPECT_EQ(count_links(cluster, LinkKind::nic), 24);
  EXPECT_EQ(testing::count_vertices(cluster, VertexKind::fabric_switch), 0);
  EXPECT_EQ(testing::link_named(cluster, "node0/nic1->node2/nic0").bandwidth.value, 12.5e9);
  EXPECT_DOUBLE_EQ(outgoing(cluster, "node1/nic0", LinkKind::nic).bandwidth, 50e9);
  Router router(cluster);
  EXPECT_EQ(router.route(0, 5).size(), 3u);
  EXPECT_DOUBLE_EQ(router.latency(0, 5).value, 4e-6);
}

// Without scale-up all 6 NICs are peers: 15 cables of 10 GB/s.
TEST(FullMesh, JoinsTheNicsOfANodeThatHasNoScaleUp) {
  ClusterConfig config = example_config(Topology::full_mesh, 3, 2);
  config.node.scale_up = ScaleUp::none;
  const Cluster cluster = build_cluster(config);
  EXPECT_EQ(count_links(cluster, LinkKind::nic), 30);
  EXPECT_EQ(testing::link_named(cluster, "node0/nic1->node0/nic0").bandwidth.value, 10e9);
}

// NICs of 60 and 30 GB/s, 3 peers each: 20 and 10 GB/s a peer; a cable has the smaller share.
TEST(FullMesh, ACableIsAsWideAsItsNarrowerEnd) {
  ClusterConfig config = example_config(Topology::full_mesh, 0, 1);
  NodeGroup fast{config.node, 2};
  fast.node.nic_bandwidth = base::BytesPerSecond(60e9);
  NodeGroup slow = fast;
  slow.node.nic_bandwidth = base::BytesPerSecond(30e9);
  config.node_groups = {fast, slow};
  const Cluster cluster = build_cluster(config);
  EXPECT_EQ(testing::link_named(cluster, "node0/nic0->node1/nic0").bandwidth.value, 20e9);
  EXPECT_EQ(testing::link_named(cluster, "node0/nic0->node2/nic0").bandwidth.value, 10e9);
  EXPECT_EQ(testing::link_named(cluster, "node3/nic0->node0/nic0").bandwidth.value, 10e9);
}

TEST(FullMesh, HasAtMost1024Nics) {
  EXPECT_TRUE(complaint_of(example_config(Topology::full_mesh, 257, 4))
                  .starts_with("/cluster/topology: a full mesh of 1028 NICs"));
}

}  // namespace
}  // namespace moesim::topologies
