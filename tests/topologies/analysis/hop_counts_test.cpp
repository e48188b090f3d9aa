// SPDX-License-Identifier: Apache-2.0
#include "topologies/analysis/hop_counts.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"
#include "topologies/graph.h"

namespace moesim::topologies {
namespace {

Cluster rails() {
  return build_cluster(testing::example_config(Topology::rail_optimized_fat_tree, 8, 2));
}

// Pods of 4 nodes under 4 spines. Within a node 2 links over the NVSwitch, one way. The same rail
// of the pod: 4 links over the leaf, one way. Another pod: 6 links, a way over each of 4 spines.
TEST(HopCounts, CountHopsAndEquallyShortWays) {
  const Cluster cluster = rails();
  HopCounter counter(cluster);
  const HopCounts& counts = counter.from(cluster.accelerators[0]);
  const auto hops = [&](int rank) { return counts.hops[cluster.accelerators[rank]]; };
  const auto ways = [&](int rank) { return counts.ways[cluster.accelerators[rank]]; };
  EXPECT_EQ(hops(0), 0);
  EXPECT_EQ(hops(1), 2);
  EXPECT_EQ(ways(1), 1);
  EXPECT_EQ(hops(2), 4);
  EXPECT_EQ(ways(2), 1);
  EXPECT_EQ(hops(8), 6);
  EXPECT_EQ(ways(8), 4);
}

TEST(HopCounts, AgreeWithBoostsSearch) {
  const Cluster cluster = rails();
  const Graph graph = make_graph(cluster);
  HopCounter counter(cluster);
  for (const int source : cluster.accelerators) {
    const std::vector<int> counted = counter.from(source).hops;
    for (const int sink : cluster.accelerators) {
      EXPECT_EQ(counted[sink], hops_to(graph, sink)[source]);
    }
  }
}

}  // namespace
}  // namespace moesim::topologies
