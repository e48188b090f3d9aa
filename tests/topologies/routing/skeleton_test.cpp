// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/skeleton.h"

#include <gtest/gtest.h>

#include "tests/support/routed_clusters.h"

namespace moesim::topologies {
namespace {

using testing::DrawnCluster;

std::vector<char> all_up(const Cluster& cluster) {
  return std::vector<char>(cluster.links.size(), 1);
}

// Two nodes of two accelerators on an NVSwitch and a NIC each, all NICs on one leaf.
struct TwoNodes {
  DrawnCluster drawn;
  int gpus[4] = {};
  int nics[4] = {};
  int nvswitches[2] = {};
  int leaf = 0;

  TwoNodes() {
    leaf = drawn.fabric_switch("leaf");
    for (int node = 0; node < 2; ++node) {
      nvswitches[node] = drawn.scale_up_switch(node);
      for (int i = 2 * node; i < 2 * node + 2; ++i) {
        gpus[i] = drawn.accelerator(node);
        nics[i] = drawn.nic(node);
        drawn.cable(gpus[i], nvswitches[node], LinkKind::scale_up);
        drawn.cable(gpus[i], nics[i], LinkKind::pcie);
        drawn.cable(nics[i], leaf, LinkKind::nic);
      }
    }
  }
};

TEST(Skeleton, OnlyTheFabricIsCoreAndNodesAreDomains) {
  const TwoNodes two;
  const Skeleton s = make_skeleton(two.drawn.cluster, all_up(two.drawn.cluster));
  EXPECT_TRUE(s.core[two.leaf]);
  EXPECT_FALSE(s.core[two.nvswitches[0]]);
  EXPECT_EQ(s.junctions, std::vector<int>{two.leaf});
  EXPECT_EQ(s.domain[two.leaf], kNoDomain);
  EXPECT_EQ(s.domain[two.gpus[0]], s.domain[two.gpus[1]]);
  EXPECT_EQ(s.domain[two.gpus[0]], s.domain[two.nics[1]]);
  EXPECT_NE(s.domain[two.gpus[0]], s.domain[two.gpus[2]]);
}

// gpu3 has one way out, over its NIC; the NVSwitch leads out nowhere.
TEST(Skeleton, ForcedLinksOutAreAChain) {
  const TwoNodes two;
  const Cluster& cluster = two.drawn.cluster;
  const Skeleton s = make_skeleton(cluster, all_up(cluster));
  const Exit& exit = s.exits[two.gpus[3]];
  ASSERT_EQ(exit.count, 2);
  const std::span<const int> chain(s.chains.data() + exit.first, 2);
  EXPECT_EQ(testing::names_along(cluster, chain), cluster.vertices[two.gpus[3]].name + " " +
                                                      cluster.vertices[two.nics[3]].name + " leaf");
  EXPECT_EQ(s.junctions[exit.junction], two.leaf);
  EXPECT_EQ(s.exits[two.nvswitches[1]].junction, -1);
}

// gpu0's only NIC loses its cable: no way out of it, and no entry into it. Cables: gpu - nvswitch,
// gpu - nic, nic - leaf, two links each, so nic -> leaf is link 4.
TEST(Skeleton, LinksThatAreDownAreLeftOut) {
  const TwoNodes two;
  std::vector<char> up = all_up(two.drawn.cluster);
  up[4] = 0;
  const Skeleton s = make_skeleton(two.drawn.cluster, up);
  EXPECT_EQ(s.exits[two.gpus[0]].junction, -1);
  EXPECT_EQ(s.exits[two.gpus[1]].count, 2);
  EXPECT_TRUE(s.entry[5]);  // leaf -> nic is still up
}

// An accelerator with two NICs is where ways part; a NIC is none, and leads into no other node.
TEST(Skeleton, WaysPartAtAnAcceleratorWithTwoNics) {
  TwoNodes two;
  const int second = two.drawn.nic(0);
  two.drawn.cable(two.gpus[0], second, LinkKind::pcie);
  const int port = two.drawn.cable(second, two.leaf, LinkKind::nic);
  const Skeleton s = make_skeleton(two.drawn.cluster, all_up(two.drawn.cluster));
  EXPECT_EQ(s.junctions, (std::vector<int>{two.leaf, two.gpus[0]}));
  EXPECT_EQ(s.exits[second].count, 1);
  EXPECT_TRUE(s.outward[port]);
  EXPECT_FALSE(s.outward[port + 1]);
  EXPECT_TRUE(s.entry[port + 1]);
}

// Two tiers of scale-up switches: the first is led to by the second, so ways cross both.
TEST(Skeleton, ScaleUpSwitchesThatOthersLeadToAreCore) {
  DrawnCluster drawn;
  const int top = drawn.scale_up_switch(-1);
  for (int node = 0; node < 2; ++node) {
    const int gpu = drawn.accelerator(node);
    const int low = drawn.scale_up_switch(node);
    drawn.cable(gpu, low, LinkKind::scale_up);
    drawn.cable(low, top, LinkKind::scale_up);
  }
  const Skeleton s = make_skeleton(drawn.cluster, all_up(drawn.cluster));
  EXPECT_EQ(s.junctions.size(), 3u);
}

}  // namespace
}  // namespace moesim::topologies
