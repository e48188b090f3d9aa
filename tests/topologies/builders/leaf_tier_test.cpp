// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/leaf_tier.h"

#include <gtest/gtest.h>

#include "tests/support/built_cluster.h"
#include "tests/support/example_cluster.h"

namespace moesim::topologies {
namespace {

// 0.1 is no binary fraction: a sum of 7, over 7, is off by a bit.
TEST(MeanBandwidth, IsExactWhereAllAreEqual) {
  MeanBandwidth equal;
  for (int i = 0; i < 7; ++i) equal.add(base::BytesPerSecond(0.1));
  EXPECT_EQ(equal.value().value, 0.1);
  MeanBandwidth mixed;
  for (const double bandwidth : {50e9, 25e9, 30e9}) mixed.add(base::BytesPerSecond(bandwidth));
  EXPECT_DOUBLE_EQ(mixed.value().value, 35e9);
}

// 30 cables at 1.2:1 are the width of 25 uplinks, though the quotient of the doubles is above; 10
// at 3:1 are 3.33, so 4 uplinks of 0.833 each.
TEST(Uplinks, CarryTheWidthBelowOverTheOversubscription) {
  EXPECT_EQ(size_uplinks(30, 1.2).count, 25);
  const Uplinks thin = size_uplinks(10, 3);
  EXPECT_EQ(thin.count, 4);
  EXPECT_DOUBLE_EQ(thin.bandwidth(base::BytesPerSecond(60e9)).value * 4, 200e9);
}

TEST(LeafTier, ASingleLeafIsSizedForItsNodes) {
  ClusterConfig config = testing::example_config(Topology::fat_tree, 3, 2);
  EXPECT_EQ(size_leaf_tier(config).nodes_per_leaf, 3);
  EXPECT_EQ(size_leaf_tier(config).num_leaves, 1);
  config.num_nodes = 9;
  EXPECT_EQ(size_leaf_tier(config).nodes_per_leaf, 4);
  EXPECT_EQ(size_leaf_tier(config).num_leaves, 3);
  EXPECT_EQ(size_leaf_tier(config).uplinks.count, 4);
  EXPECT_EQ(size_leaf_tier(config, 8).uplinks.count, 8);
}

}  // namespace
}  // namespace moesim::topologies
