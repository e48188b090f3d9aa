// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/example_cluster.h"
#include "topologies/draw/layouts.h"

namespace moesim::topologies {
namespace {

Frame torus(std::vector<int> dims, int nodes) {
  ClusterConfig config = testing::example_config(Topology::torus, nodes, 1);
  config.fabric.dims = std::move(dims);
  return lay_out_grid(condense(build_cluster(config)));
}

// A 4 x 4 torus has 32 cables; 4 rows and 4 columns each close by one that bends.
TEST(GridLayout, RingsCloseByABentWire) {
  const Frame frame = torus({4, 4}, 16);
  EXPECT_EQ(frame.shapes.size(), 16u);
  EXPECT_EQ(frame.wires.size(), 32u);
  const auto bent = std::count_if(frame.wires.begin(), frame.wires.end(),
                                  [](const Wire& wire) { return wire.curved; });
  EXPECT_EQ(bent, 8);
}

// Of 16 x 4 the first 8 x 4 are drawn: 7 x 4 cables along rows, 8 x 4 along columns, and in each of
// 4 rows two that leave: to the ninth router, and round to the last.
TEST(GridLayout, CablesThatLeaveThePictureBegin) {
  const Frame frame = torus({16, 4}, 64);
  EXPECT_EQ(frame.shapes.size(), 32u);
  EXPECT_EQ(frame.wires.size(), 28u + 32 + 8);
  EXPECT_EQ(frame.notes.size(), 1u);
}

}  // namespace
}  // namespace moesim::topologies
