// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/switch_grid.h"

#include <gtest/gtest.h>

#include "tests/support/routed_clusters.h"

namespace moesim::topologies {
namespace {

using testing::DrawnGrid;

SwitchGrid grid_of(const Cluster& cluster) {
  return SwitchGrid(cluster, std::vector<char>(cluster.links.size(), 1));
}

std::vector<std::string> next_names(const DrawnGrid& drawn, const std::vector<int>& from,
                                    const std::vector<int>& to) {
  const Cluster& cluster = drawn.drawn.cluster;
  const SwitchGrid grid = grid_of(cluster);
  std::vector<std::string> names;
  for (const int link : grid.next_links(drawn.at.at(from), drawn.at.at(to))) {
    names.push_back(cluster.vertices[cluster.links[link].to].name);
  }
  return names;
}

using Names = std::vector<std::string>;

// On 4 x 3 routers: x first; from 0 to 3 is one step back round the ring, from 0 to 2 both ways are
// as long, 1 to 2 in y one step on.
TEST(SwitchGrid, CorrectsTheLowestCoordinateTheShorterWayRound) {
  const DrawnGrid torus = testing::drawn_torus(4, 3);
  EXPECT_TRUE(grid_of(torus.drawn.cluster).is_complete());
  EXPECT_EQ(next_names(torus, {0, 1}, {1, 2}), Names{"r11"});
  EXPECT_EQ(next_names(torus, {0, 1}, {3, 2}), Names{"r31"});
  EXPECT_EQ(next_names(torus, {0, 1}, {2, 0}), (Names{"r11", "r31"}));
  EXPECT_EQ(next_names(torus, {2, 1}, {2, 2}), Names{"r22"});
  EXPECT_EQ(next_names(torus, {2, 0}, {2, 2}), Names{"r22"});
  EXPECT_EQ(next_names(torus, {2, 0}, {2, 0}), Names{});
}

// A line of four without the link back to the first: 0 to 3 is three steps on.
TEST(SwitchGrid, ALineHasNoWayRound) {
  DrawnGrid line;
  for (int x = 0; x < 4; ++x) line.router({x});
  for (int x = 0; x < 3; ++x) line.drawn.cable(line.at[{x}], line.at[{x + 1}]);
  EXPECT_TRUE(grid_of(line.drawn.cluster).is_complete());
  EXPECT_EQ(next_names(line, {0}, {3}), Names{"r1"});
  EXPECT_EQ(next_names(line, {3}, {0}), Names{"r2"});
}

// Five routers all joined: any coordinate is one hop away, over either of two cables 1 - 4.
TEST(SwitchGrid, AHyperXCorrectsACoordinateInOneHop) {
  DrawnGrid mesh;
  for (int x = 0; x < 5; ++x) mesh.router({x});
  for (int a = 0; a < 5; ++a) {
    for (int b = a + 1; b < 5; ++b) mesh.drawn.cable(mesh.at[{a}], mesh.at[{b}]);
  }
  mesh.drawn.cable(mesh.at[{1}], mesh.at[{4}]);
  EXPECT_TRUE(grid_of(mesh.drawn.cluster).is_complete());
  EXPECT_EQ(next_names(mesh, {0}, {3}), Names{"r3"});
  EXPECT_EQ(next_names(mesh, {4}, {1}), (Names{"r1", "r1"}));
}

TEST(SwitchGrid, SwitchesWithoutPlacesOrWithOneTwiceAreNone) {
  DrawnGrid torus = testing::drawn_torus(3, 3);
  torus.drawn.cluster.vertices[torus.at[{1, 1}]].place = {};
  EXPECT_FALSE(grid_of(torus.drawn.cluster).is_complete());
  torus.drawn.cluster.vertices[torus.at[{1, 1}]].place = {0, 0};
  EXPECT_FALSE(grid_of(torus.drawn.cluster).is_complete());
  torus.drawn.cluster.vertices[torus.at[{1, 1}]].place = {1, 1};
  EXPECT_TRUE(grid_of(torus.drawn.cluster).is_complete());
  EXPECT_FALSE(grid_of(testing::example_star({0, 0})).is_complete());
}

// Groups and routers of a dragonfly are no coordinates: most routers have no link to most groups.
TEST(SwitchGrid, ADragonflyIsNone) {
  EXPECT_FALSE(
      grid_of(build_cluster(testing::config_of_topology(Topology::dragonfly))).is_complete());
  EXPECT_TRUE(grid_of(build_cluster(testing::config_of_topology(Topology::torus))).is_complete());
  EXPECT_TRUE(grid_of(build_cluster(testing::config_of_topology(Topology::hyperx))).is_complete());
}

// The only link that corrects x is down.
TEST(SwitchGrid, LinksThatAreDownLeadNowhere) {
  const DrawnGrid torus = testing::drawn_torus(4, 3);
  const Cluster& cluster = torus.drawn.cluster;
  std::vector<char> up(cluster.links.size(), 1);
  for (std::size_t l = 0; l < up.size(); ++l) {
    if (cluster.links[l].name == "r01->r11") up[l] = 0;
  }
  const SwitchGrid grid(cluster, up);
  EXPECT_FALSE(grid.is_complete());
  EXPECT_TRUE(grid.next_links(torus.at.at({0, 1}), torus.at.at({1, 2})).empty());
}

}  // namespace
}  // namespace moesim::topologies
