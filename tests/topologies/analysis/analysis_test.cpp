// SPDX-License-Identifier: Apache-2.0
#include "topologies/analysis/analysis.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"

namespace moesim::topologies {
namespace {

using testing::example_config;

// 8 nodes of 2, pods of 4, 2:1: 4 leaves of 4 NICs x 50 GB/s down, 100 GB/s up over 2 spines.
ClusterFigures thin_rails() {
  ClusterConfig config = example_config(Topology::rail_optimized_fat_tree, 8, 2);
  config.fabric.oversubscription = 2;
  return analyse(build_cluster(config));
}

// 16 accelerators and NICs, 8 NVSwitches, 4 leaves and 2 spines. Cables: an accelerator to its
// NVSwitch and to its NIC, a NIC to its leaf, a leaf to each spine.
TEST(Analysis, CountsVerticesAndCables) {
  const ClusterFigures figures = thin_rails();
  EXPECT_EQ(figures.num_ranks, 16);
  EXPECT_EQ(figures.num_nodes, 8);
  ASSERT_EQ(figures.vertices.size(), 4u);
  const int counts[] = {16, 16, 8, 6};
  const char* kinds[] = {"accelerator", "nic", "scale_up_switch", "fabric_switch"};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(figures.vertices[i].kind, kinds[i]);
    EXPECT_EQ(figures.vertices[i].count, counts[i]);
  }
  ASSERT_EQ(figures.links.size(), 4u);
  const int cables[] = {16, 16, 16, 8};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(figures.links[i].cables, cables[i]) << figures.links[i].kind;
    EXPECT_EQ(figures.links[i].links, 2 * cables[i]) << figures.links[i].kind;
  }
  EXPECT_EQ(figures.links[2].bandwidth_bytes_per_s, 32 * 50e9);
  EXPECT_EQ(figures.links[2].least_bytes_per_s, 50e9);
}

// A leaf has 4 cables down and 2 up, a spine one to each of 4 leaves.
TEST(Analysis, TiersHaveTheirOversubscription) {
  const ClusterFigures figures = thin_rails();
  ASSERT_EQ(figures.tiers.size(), 2u);
  EXPECT_EQ(figures.tiers[0].switches, 4);
  EXPECT_EQ(figures.tiers[0].most_ports, 6);
  EXPECT_EQ(figures.tiers[0].down_bytes_per_s, 16 * 50e9);
  EXPECT_EQ(figures.tiers[0].up_bytes_per_s, 16 * 25e9);
  EXPECT_EQ(figures.tiers[0].oversubscription, 2.0);
  EXPECT_EQ(figures.tiers[1].switches, 2);
  EXPECT_EQ(figures.tiers[1].most_ports, 4);
  EXPECT_EQ(figures.tiers[1].down_bytes_per_s, 16 * 25e9);
  EXPECT_FALSE(figures.tiers[1].oversubscription.has_value());
}

// The halves are the two pods: 2 leaves x 100 GB/s up. That is half of 8 x 50 GB/s. Halves that
// split the pods have the leaves' own ways besides.
TEST(Analysis, BisectionIsTheLeastCutBetweenTheHalves) {
  const ClusterFigures figures = thin_rails();
  ASSERT_TRUE(figures.bisection.has_value());
  EXPECT_EQ(figures.bisection->halves_bytes_per_s, 200e9);
  EXPECT_EQ(figures.bisection->worst_bytes_per_s, 200e9);
  EXPECT_EQ(figures.bisection->fraction_of_nics, 0.5);
}

// One switch: every NIC of a half at once, 4 x 50 GB/s; on a single node every NVLink, 400 GB/s,
// and every NIC, 50 GB/s, of 2 accelerators.
TEST(Analysis, ASingleSwitchHasFullBisection) {
  const auto halves = [](int nodes, int accelerators) {
    return analyse(build_cluster(example_config(Topology::single_switch, nodes, accelerators)))
        .bisection->halves_bytes_per_s;
  };
  EXPECT_EQ(halves(4, 2), 200e9);
  EXPECT_EQ(halves(1, 4), 900e9);
}

// From a rank: 1 in its node (2 hops), 3 of its rail in the pod (4), 3 others in the pod (6) and 8
// in the other pod (6). The mean is (2 + 12 + 18 + 48) / 15.
TEST(Analysis, DistancesAreInLinks) {
  const ClusterFigures figures = thin_rails();
  EXPECT_EQ(figures.distance.diameter_hops, 6);
  EXPECT_DOUBLE_EQ(figures.distance.mean_hops, 80.0 / 15);
  EXPECT_EQ(figures.distance.sources, 16);
  EXPECT_EQ(figures.distance.unreachable_pairs, 0);
}

// Pairs are on different nodes: one NIC is one disjoint way; the shortest ways are 1 (a leaf) or 2
// (the spines).
TEST(Analysis, PathDiversityIsOfTheSampledPairs) {
  const ClusterFigures figures = thin_rails();
  EXPECT_EQ(figures.diversity->least_disjoint_ways, 1);
  EXPECT_DOUBLE_EQ(figures.diversity->mean_disjoint_ways, 1);
  EXPECT_EQ(figures.diversity->least_shortest_ways, 1);
  EXPECT_GT(figures.diversity->mean_shortest_ways, 1);
  EXPECT_LE(figures.diversity->mean_shortest_ways, 2);
}

TEST(Analysis, ALoneRankHasNoHalves) {
  const ClusterFigures figures =
      analyse(build_cluster(example_config(Topology::single_switch, 1, 1)));
  EXPECT_FALSE(figures.bisection.has_value());
  EXPECT_FALSE(figures.diversity.has_value());
  EXPECT_EQ(figures.distance.diameter_hops, 0);
}

TEST(Analysis, TheSameSeedDrawsTheSameSamples) {
  const Cluster cluster = build_cluster(example_config(Topology::rail_optimized_fat_tree, 8, 2));
  EXPECT_EQ(base::write_json(analyse(cluster)), base::write_json(analyse(cluster)));
}

}  // namespace
}  // namespace moesim::topologies
