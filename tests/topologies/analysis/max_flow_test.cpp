// SPDX-License-Identifier: Apache-2.0
#include "topologies/analysis/max_flow.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"

namespace moesim::topologies {
namespace {

// Four cables of 1 GB/s on one switch: two ranks to two carry 2 GB/s, one to three 1 GB/s.
TEST(MaxFlow, AStarCarriesWhatTheSmallerSideHas) {
  MaxFlow flow(testing::example_star({0, 0, 0, 0}));
  const std::vector<int> two = {0, 1};
  const std::vector<int> others = {2, 3};
  const std::vector<int> one = {0};
  const std::vector<int> three = {1, 2, 3};
  EXPECT_EQ(flow.bandwidth(two, others).value, 2e9);
  EXPECT_EQ(flow.bandwidth(one, three).value, 1e9);
  EXPECT_EQ(flow.bandwidth(three, one).value, 1e9);
}

// Accelerators a - b - c in a chain, no switch: b would have to forward from a to c.
TEST(MaxFlow, AcceleratorsForwardNothing) {
  Cluster chain;
  chain.num_nodes = 3;
  for (int v = 0; v < 3; ++v) {
    chain.vertices.push_back({VertexKind::accelerator, std::to_string(v), v, v});
    chain.accelerators.push_back(v);
  }
  const base::BytesPerSecond rate(1e9);
  chain.links = {{0, 1, LinkKind::fabric, rate, {}, "01"},
                 {1, 2, LinkKind::fabric, rate, {}, "12"}};
  MaxFlow flow(chain);
  EXPECT_EQ(flow.disjoint_ways(0, 1), 1);
  EXPECT_EQ(flow.disjoint_ways(0, 2), 0);
}

// In a node of the rail fat tree: over the NVSwitch, and over NIC, leaf, spine, leaf and NIC.
TEST(MaxFlow, DisjointWaysShareNoLink) {
  const Cluster cluster =
      build_cluster(testing::example_config(Topology::rail_optimized_fat_tree, 8, 2));
  MaxFlow flow(cluster);
  EXPECT_EQ(flow.disjoint_ways(0, 1), 2);
  EXPECT_EQ(flow.disjoint_ways(0, 2), 1);  // another node: one NIC
}

}  // namespace
}  // namespace moesim::topologies
