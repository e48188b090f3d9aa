// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/example_cluster.h"
#include "topologies/draw/layouts.h"

namespace moesim::topologies {
namespace {

ClusterConfig dragonfly(int groups, int routers, int global_links) {
  ClusterConfig config = testing::example_config(Topology::dragonfly, groups * routers, 1);
  config.fabric.groups = groups;
  config.fabric.routers_per_group = routers;
  config.fabric.global_links_per_router = global_links;
  return config;
}

// 5 groups of 4: 6 cables in each group, one between every two groups. Each group has its circle.
TEST(RoundLayout, GroupsHoldTheirRouters) {
  const Frame frame = lay_out_groups(condense(build_cluster(dragonfly(5, 4, 1))));
  EXPECT_EQ(frame.shapes.size(), 20u + 5);
  EXPECT_EQ(frame.wires.size(), 5u * 6 + 10);
}

// 33 groups of 8 are 264 routers: a disc a group, and one chord between every two.
TEST(RoundLayout, ManyRoutersAreADiscAGroup) {
  const Frame frame = lay_out_groups(condense(build_cluster(dragonfly(33, 8, 4))));
  EXPECT_EQ(frame.shapes.size(), 33u);
  EXPECT_EQ(frame.wires.size(), 33u * 32 / 2);
  EXPECT_EQ(frame.notes.size(), 2u);
}

// 6 nodes without a switch: all 15 pairs joined, all equally far from the middle.
TEST(RoundLayout, AFullMeshIsACircle) {
  const Frame frame =
      lay_out_circle(condense(build_cluster(testing::example_config(Topology::full_mesh, 6, 2))));
  ASSERT_EQ(frame.shapes.size(), 6u);
  EXPECT_EQ(frame.wires.size(), 15u);
  double x = 0;
  double y = 0;
  for (const Shape& shape : frame.shapes) {
    x += shape.centre.x / 6;
    y += shape.centre.y / 6;
  }
  for (const Shape& shape : frame.shapes) {
    EXPECT_NEAR(std::hypot(shape.centre.x - x, shape.centre.y - y), 205, 1e-6);
  }
}

}  // namespace
}  // namespace moesim::topologies
