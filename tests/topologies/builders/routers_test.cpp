// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/routers.h"

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

ClusterConfig grid(Topology topology, std::vector<int> dims) {
  int nodes = 1;
  for (const int dim : dims) nodes *= dim;
  ClusterConfig config = example_config(topology, nodes, 2);
  config.fabric.dims = std::move(dims);
  return config;
}

// Cables of link_bandwidth that cross between routers with coordinate 0 below `cut` and the others.
int cables_across(const Cluster& cluster, int cut) {
  int cables = 0;
  for (const Link& link : cluster.links) {
    if (link.kind != LinkKind::fabric) continue;
    cables +=
        cluster.vertices[link.from].place[0] < cut && cluster.vertices[link.to].place[0] >= cut;
  }
  return cables;
}

// 64 routers x 6 ports: 192 cables. Halves of 2 x 4 x 4 are joined on both sides: 2 x 16 cables.
// The farthest router is 2 + 2 + 2 hops away, and 4 links of 1 us lie outside of the 6 of 0.5.
TEST(Torus, HasTwoPortsPerDimension) {
  const Cluster cluster = build_cluster(grid(Topology::torus, {4, 4, 4}));
  EXPECT_EQ(count_links(cluster, LinkKind::fabric), 2 * 192);
  EXPECT_EQ(outgoing(cluster, "router3.0.2", LinkKind::fabric).links, 6);
  EXPECT_DOUBLE_EQ(outgoing(cluster, "router3.0.2", LinkKind::fabric).bandwidth, 600e9);
  EXPECT_EQ(cables_across(cluster, 2), 32);
  EXPECT_TRUE(testing::has_link(cluster, "router0.1.2->router3.1.2"));
  EXPECT_EQ(cluster.vertices[testing::vertex_named(cluster, "router3.0.2")].place,
            (std::vector<int>{3, 0, 2}));
  // Node 2 + 4 x 2 + 16 x 2 = 42 is at router 2.2.2; a node has 2 ranks.
  EXPECT_TRUE(testing::has_link(cluster, "node42/nic1->router2.2.2"));
  Router router(cluster);
  EXPECT_EQ(router.route(0, 84).size(), 4u + 6u);
  EXPECT_DOUBLE_EQ(router.latency(0, 84).value, 7e-6);
}

// 4 x 2: 8 cables along the rings of 4, 4 along the pairs; 1 x 3: a ring of 3.
TEST(Torus, APairHasOneCable) {
  EXPECT_EQ(count_links(build_cluster(grid(Topology::torus, {4, 2})), LinkKind::fabric), 24);
  EXPECT_EQ(count_links(build_cluster(grid(Topology::torus, {1, 3})), LinkKind::fabric), 6);
}

// 3 x 4: 2 + 3 ports a router, so 12 x 5 / 2 = 30 cables. Columns 0 and 1, 2 share 4 x 1 x 2
// cables.
TEST(HyperX, IsAFullMeshInEveryDimension) {
  const Cluster cluster = build_cluster(grid(Topology::hyperx, {3, 4}));
  EXPECT_EQ(count_links(cluster, LinkKind::fabric), 60);
  EXPECT_EQ(outgoing(cluster, "router2.3", LinkKind::fabric).links, 5);
  EXPECT_EQ(cables_across(cluster, 1), 8);
  Router router(cluster);
  EXPECT_EQ(router.route(0, 23).size(), 4u + 2u);  // node 11 is at router 2.3
  EXPECT_EQ(count_links(build_cluster(grid(Topology::hyperx, {2, 2, 2})), LinkKind::fabric), 24);
}

// 4 nodes to a router of a ring of 3: nodes 4-7 are at router 1.
TEST(Routers, HoldSeveralNodes) {
  ClusterConfig config = example_config(Topology::torus, 12, 1);
  config.fabric.dims = {3};
  config.fabric.nodes_per_router = 4;
  const Cluster cluster = build_cluster(config);
  EXPECT_TRUE(testing::has_link(cluster, "router1->node7/nic0"));
  EXPECT_EQ(outgoing(cluster, "router2", LinkKind::nic).links, 4);
}

TEST(Routers, EvenFactorsAreNearTheRoot) {
  EXPECT_EQ(even_factors(64, 3), (std::vector<int>{4, 4, 4}));
  EXPECT_EQ(even_factors(12, 2), (std::vector<int>{4, 3}));
  EXPECT_EQ(even_factors(7, 2), (std::vector<int>{7, 1}));
  EXPECT_EQ(even_factors(96, 3), (std::vector<int>{6, 4, 4}));
}

TEST(Routers, SizesThatCannotBeAreNamedWithThoseThatCan) {
  ClusterConfig config = grid(Topology::torus, {4, 4});
  config.num_nodes = 24;
  EXPECT_EQ(complaint_of(config),
            "/cluster/fabric/dims: [4, 4] routers of 1 are places for 16 nodes, not 24 (use 16 "
            "nodes, or dims [6, 4])");
  config.fabric.dims = {4, 0};
  EXPECT_TRUE(complaint_of(config).starts_with("/cluster/fabric/dims: [4, 0] routers"));
  config.fabric.dims = {};
  EXPECT_TRUE(complaint_of(config).starts_with("/cluster/fabric/dims: 0 dimensions"));
  config.fabric.dims = {1 << 30, 1 << 30};
  EXPECT_TRUE(complaint_of(config).starts_with("/cluster/fabric/dims: [1073741824"));
  config.fabric.link_bandwidth = base::BytesPerSecond(0);
  EXPECT_TRUE(complaint_of(config).starts_with("/cluster/fabric/link_bandwidth: "));
}

}  // namespace
}  // namespace moesim::topologies
