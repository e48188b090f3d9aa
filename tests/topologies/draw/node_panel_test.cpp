// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/example_cluster.h"
#include "topologies/draw/layouts.h"

namespace moesim::topologies {
namespace {

Frame node_of(int accelerators) {
  return lay_out_node(
      build_cluster(testing::example_config(Topology::single_switch, 2, accelerators)), 250);
}

// 4 accelerators, 4 NICs, an NVSwitch; a wire from each accelerator to its NIC and to the switch.
TEST(NodePanel, ShowsWhatANodeHolds) {
  const Frame frame = node_of(4);
  EXPECT_EQ(frame.shapes.size(), 9u);
  EXPECT_EQ(frame.wires.size(), 8u);
  EXPECT_TRUE(frame.notes.empty());
}

// Of 72 the first 7 and a box that says "+65", in both rows.
TEST(NodePanel, CutsLongRowsShort) {
  const Frame frame = node_of(72);
  EXPECT_EQ(frame.shapes.size(), 8u + 8 + 1);
  EXPECT_EQ(frame.notes.size(), 2u);
  EXPECT_EQ(std::count_if(frame.shapes.begin(), frame.shapes.end(),
                          [](const Shape& shape) { return shape.label == "+65"; }),
            2);
}

}  // namespace
}  // namespace moesim::topologies
