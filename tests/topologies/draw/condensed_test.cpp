// SPDX-License-Identifier: Apache-2.0
#include "topologies/draw/condensed.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"

namespace moesim::topologies {
namespace {

using testing::example_config;

// Two nodes of 4 on one switch: each node's 4 NICs are one join of 4 cables and 200 GB/s.
TEST(Condensed, ANodesCablesToASwitchAreOneJoin) {
  const Condensed graph = condense(build_cluster(example_config(Topology::single_switch, 2, 4)));
  ASSERT_EQ(graph.items.size(), 3u);
  EXPECT_EQ(graph.items[0].name, "node0");
  EXPECT_EQ(graph.items[1].accelerators, 4);
  EXPECT_EQ(graph.items[2].name, "switch");
  EXPECT_EQ(graph.items[2].ports, 8);
  EXPECT_EQ(graph.items[2].nodes, 2);
  ASSERT_EQ(graph.joins.size(), 2u);
  EXPECT_EQ(graph.joins[1].a, 1);
  EXPECT_EQ(graph.joins[1].b, 2);
  EXPECT_EQ(graph.joins[1].cables, 4);
  EXPECT_EQ(graph.joins[1].bandwidth, 200e9);
}

TEST(Condensed, BandwidthsOfAKindAreARange) {
  Cluster cluster = build_cluster(example_config(Topology::single_switch, 2, 1));
  EXPECT_EQ(bandwidth_text(cluster, LinkKind::nic), "50 GB/s");
  EXPECT_EQ(bandwidth_text(cluster, LinkKind::fabric), "");
  for (Link& link : cluster.links) {
    if (link.kind == LinkKind::nic) {
      link.bandwidth = base::BytesPerSecond(25e9);
      break;
    }
  }
  EXPECT_EQ(bandwidth_text(cluster, LinkKind::nic), "25 - 50 GB/s");
}

}  // namespace
}  // namespace moesim::topologies
