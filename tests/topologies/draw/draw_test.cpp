// SPDX-License-Identifier: Apache-2.0
#include "topologies/draw/draw.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"
#include "topologies/import_export/xml_scan.h"

namespace moesim::topologies {
namespace {

using testing::example_config;

ClusterConfig grid(Topology topology, std::vector<int> dims, int nodes) {
  ClusterConfig config = example_config(topology, nodes, 2);
  config.fabric.dims = std::move(dims);
  return config;
}

ClusterConfig dragonfly() {
  ClusterConfig config = example_config(Topology::dragonfly, 20, 2);
  config.fabric.groups = 5;
  config.fabric.routers_per_group = 4;
  config.fabric.global_links_per_router = 1;
  return config;
}

TEST(Draw, TheLayoutIsSeenInTheGraph) {
  const auto layout = [](const ClusterConfig& config) { return layout_of(build_cluster(config)); };
  EXPECT_EQ(layout(example_config(Topology::single_switch, 4, 2)), Layout::tiers);
  EXPECT_EQ(layout(example_config(Topology::rail_optimized_fat_tree, 8, 2)), Layout::tiers);
  EXPECT_EQ(layout(example_config(Topology::fat_tree, 8, 2)), Layout::tiers);
  EXPECT_EQ(layout(example_config(Topology::rail_only, 4, 2)), Layout::tiers);
  EXPECT_EQ(layout(example_config(Topology::dual_plane, 8, 2)), Layout::tiers);
  EXPECT_EQ(layout(example_config(Topology::full_mesh, 4, 2)), Layout::circle);
  EXPECT_EQ(layout(grid(Topology::torus, {8}, 8)), Layout::circle);
  EXPECT_EQ(layout(grid(Topology::torus, {4, 4}, 16)), Layout::grid);
  EXPECT_EQ(layout(grid(Topology::torus, {2, 3, 4}, 24)), Layout::grid);
  EXPECT_EQ(layout(grid(Topology::hyperx, {3, 3}, 9)), Layout::grid);
  EXPECT_EQ(layout(dragonfly()), Layout::groups);
}

// Well-formed XML with a title, and at most a few hundred shapes however large the cluster.
TEST(Draw, EveryTopologyGivesWellFormedSvgOfBoundedSize) {
  for (const auto& [topology, name] : names_of(Topology{})) {
    if (topology == Topology::file) continue;  // what is read, not built
    for (const int nodes : {1, 4, 128}) {
      const std::string svg = draw_svg(build_cluster(example_config(topology, nodes, 4)), name);
      int elements = 0;
      scan_xml(svg, name, {[&](const XmlElement&) { ++elements; }, {}});
      EXPECT_GT(elements, 10) << name;
      EXPECT_LT(elements, 2000) << name;
      EXPECT_NE(svg.find("<title>" + name + "</title>"), std::string::npos);
    }
  }
}

TEST(Draw, WhatIsLeftOutIsSaid) {
  const auto drawn = [](const ClusterConfig& config) {
    return draw_svg(build_cluster(config), "t");
  };
  const std::string large = drawn(example_config(Topology::rail_optimized_fat_tree, 128, 2));
  EXPECT_NE(large.find("11 of 128 nodes are drawn."), std::string::npos);
  EXPECT_NE(large.find(">+117</text>"), std::string::npos);
  const std::string corner = drawn(grid(Topology::torus, {16, 16}, 256));
  EXPECT_NE(corner.find("The corner of 8 x 8 routers is drawn of 16 x 16"), std::string::npos);
  EXPECT_EQ(drawn(example_config(Topology::single_switch, 4, 2)).find("are drawn"),
            std::string::npos);
}

TEST(Draw, TheSameClusterGivesTheSameBytes) {
  const Cluster cluster = build_cluster(dragonfly());
  EXPECT_EQ(draw_svg(cluster, "t"), draw_svg(cluster, "t"));
}

}  // namespace
}  // namespace moesim::topologies
