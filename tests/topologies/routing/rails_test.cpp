// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/rails.h"

#include <gtest/gtest.h>

#include "tests/support/routed_clusters.h"

namespace moesim::topologies {
namespace {

using testing::DrawnCluster;

// Nodes of 2 accelerators, each with a NIC on its rail's switch: ranks 2 n and 2 n + 1 are node
// n's. Nodes 0 and 1 are on the first pod's switches, node 2 on the second's; a spine joins all.
DrawnCluster two_pods(std::vector<int> nodes_with_scale_up) {
  DrawnCluster drawn;
  const int spine = drawn.fabric_switch("spine");
  std::vector<int> leaves;
  for (int i = 0; i < 4; ++i) {
    leaves.push_back(drawn.fabric_switch("leaf" + std::to_string(i), {i % 2}));
    drawn.cable(leaves.back(), spine);
  }
  for (int node = 0; node < 3; ++node) {
    const bool has_scale_up =
        std::count(nodes_with_scale_up.begin(), nodes_with_scale_up.end(), node) > 0;
    const int nvswitch = has_scale_up ? drawn.scale_up_switch(node) : -1;
    for (int i = 0; i < 2; ++i) {
      const int gpu = drawn.accelerator(node);
      const int nic = drawn.nic(node);
      if (has_scale_up) drawn.cable(gpu, nvswitch, LinkKind::scale_up);
      drawn.cable(gpu, nic, LinkKind::pcie);
      drawn.cable(nic, leaves[node / 2 * 2 + i], LinkKind::nic);
    }
  }
  return drawn;
}

// The ranks that may forward from one rank to another.
std::vector<int> forwarders(const Cluster& cluster, int source, int destination) {
  const Skeleton skeleton = make_skeleton(cluster, std::vector<char>(cluster.links.size(), 1));
  NextHops next(cluster, skeleton);
  Rails rails(cluster, next);
  std::vector<int> ranks;
  const Destination& to = next.towards(cluster.vertex_of_endpoint(destination));
  for (const int vertex : rails.neighbours(cluster.vertex_of_endpoint(source), to)) {
    ranks.push_back(cluster.vertices[vertex].rank);
  }
  return ranks;
}

TEST(Rails, TheNeighbourOnTheDestinationsSwitchForwards) {
  const Cluster cluster = two_pods({0, 1, 2}).cluster;
  EXPECT_EQ(forwarders(cluster, 0, 3), std::vector<int>{1});
  EXPECT_EQ(forwarders(cluster, 1, 2), std::vector<int>{0});
  EXPECT_TRUE(forwarders(cluster, 0, 2).empty());  // its own rail
  EXPECT_TRUE(forwarders(cluster, 0, 1).empty());  // its own node
}

// Rank 5's leaf is leaf3, in the other pod, of the same place as leaf1, on which rank 1 is.
TEST(Rails, ARailGoesThroughAllPods) {
  Cluster cluster = two_pods({0, 1, 2}).cluster;
  EXPECT_EQ(forwarders(cluster, 0, 5), std::vector<int>{1});
  EXPECT_TRUE(forwarders(cluster, 0, 4).empty());
  for (Vertex& vertex : cluster.vertices) vertex.place.clear();
  EXPECT_TRUE(forwarders(cluster, 0, 5).empty());
  EXPECT_EQ(forwarders(cluster, 0, 3), std::vector<int>{1});
}

TEST(Rails, NeighboursForwardOverScaleUpLinksOnly) {
  const Cluster cluster = two_pods({1}).cluster;
  EXPECT_TRUE(forwarders(cluster, 0, 3).empty());
  EXPECT_EQ(forwarders(cluster, 2, 1), std::vector<int>{3});
}

// The two ranks of a node on one scale-up switch with another node's reach them without the fabric.
TEST(Rails, NobodyForwardsWithinAScaleUpDomain) {
  DrawnCluster drawn = two_pods({});
  const int shared = drawn.scale_up_switch(-1);
  for (int rank = 0; rank < 4; ++rank) {
    drawn.cable(drawn.cluster.accelerators[rank], shared, LinkKind::scale_up);
  }
  EXPECT_TRUE(forwarders(drawn.cluster, 0, 3).empty());
  EXPECT_EQ(forwarders(drawn.cluster, 0, 5), std::vector<int>{1});
}

TEST(Rails, SwitchesAsEndsNeedNoForwarder) {
  DrawnCluster drawn = two_pods({0, 1, 2});
  drawn.cluster.reducers = {1};  // leaf0
  EXPECT_TRUE(forwarders(drawn.cluster, 1, 6).empty());
  EXPECT_TRUE(forwarders(drawn.cluster, 6, 1).empty());
}

}  // namespace
}  // namespace moesim::topologies
