// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"
#include "topologies/draw/layouts.h"

namespace moesim::topologies {
namespace {

// 4 leaves (2 pods x 2 rails), 4 spines and 8 nodes: spines stand above leaves above nodes, and a
// wire joins each leaf to each spine and each node to its pod's leaves.
TEST(TierLayout, TiersStandAboveEachOther) {
  const Frame frame = lay_out_tiers(
      condense(build_cluster(testing::example_config(Topology::rail_optimized_fat_tree, 8, 2))));
  double spines = 0;
  double leaves = 0;
  double nodes = 0;
  for (const Shape& shape : frame.shapes) {
    if (shape.label.starts_with("spine")) spines = shape.centre.y;
    if (shape.label.starts_with("leaf")) leaves = shape.centre.y;
    if (shape.label.starts_with("node")) nodes = shape.centre.y;
  }
  EXPECT_LT(spines, leaves);
  EXPECT_LT(leaves, nodes);
  EXPECT_EQ(frame.shapes.size(), 16u);
  EXPECT_EQ(frame.wires.size(), 4u * 4 + 8 * 2);
  EXPECT_TRUE(frame.notes.empty());
}

}  // namespace
}  // namespace moesim::topologies
