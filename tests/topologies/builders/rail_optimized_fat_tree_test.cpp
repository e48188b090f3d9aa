// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/rail_optimized_fat_tree.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "tests/support/example_cluster.h"
#include "topologies/routing.h"

namespace moesim::topologies {
namespace {

using testing::example_config;

ClusterConfig rails(int num_nodes, int accelerators_per_node) {
  return example_config(Topology::rail_optimized_fat_tree, num_nodes, accelerators_per_node);
}

int count_spines(const Cluster& cluster) {
  int spines = 0;
  for (const Vertex& vertex : cluster.vertices) spines += vertex.name.starts_with("spine");
  return spines;
}

double bandwidth_out_of(const Cluster& cluster, const std::string& vertex, LinkKind kind) {
  double sum = 0;
  for (const Link& link : cluster.links) {
    if (link.kind == kind && cluster.vertices[link.from].name == vertex) {
      sum += link.bandwidth.value;
    }
  }
  return sum;
}

// Same rail, same pod: over one leaf, 4 links, 4 us. Another rail or another pod: over a spine, 6
// links, 4 + 1 us. Ranks are node x 8 + rail, pods are 4 nodes.
TEST(RailOptimizedFatTree, EqualRailsMeetOnALeafAndOthersOnASpine) {
  const Cluster cluster = build_cluster(rails(8, 8));
  Router router(cluster);
  EXPECT_EQ(router.route(3, 3 * 8 + 3).size(), 4u);
  EXPECT_DOUBLE_EQ(router.latency(3, 3 * 8 + 3).value, 4e-6);
  EXPECT_EQ(router.route(3, 3 * 8 + 4).size(), 6u);
  EXPECT_EQ(router.route(3, 4 * 8 + 3).size(), 6u);
  EXPECT_DOUBLE_EQ(router.latency(3, 4 * 8 + 3).value, 5e-6);
  EXPECT_EQ(router.route(3, 4).size(), 2u);
}

// Leaves of 4 NICs x 50 GB/s. 1:1 needs 200 GB/s up over 4 spines; 3:1 needs 66.7 GB/s over
// ceil(4/3) = 2 spines of 33.3 GB/s.
TEST(RailOptimizedFatTree, UplinksAreExactlyTheDownBandwidthOverTheOversubscription) {
  ClusterConfig config = rails(8, 2);
  const Cluster full = build_cluster(config);
  EXPECT_EQ(count_spines(full), 4);
  EXPECT_DOUBLE_EQ(bandwidth_out_of(full, "leaf0", LinkKind::fabric), 200e9);
  config.fabric.oversubscription = 3;
  const Cluster thin = build_cluster(config);
  EXPECT_EQ(count_spines(thin), 2);
  EXPECT_DOUBLE_EQ(bandwidth_out_of(thin, "leaf3", LinkKind::fabric), 200e9 / 3);
}

// 2 nodes in a pod of 4: 100 GB/s down, so 50 GB/s up at 2:1, one spine. 30 / 1.2 is 25 spines,
// though the quotient of the doubles is above 25.
TEST(RailOptimizedFatTree, ASinglePodIsCabledForItsNodes) {
  ClusterConfig config = rails(2, 2);
  config.fabric.oversubscription = 2;
  const Cluster cluster = build_cluster(config);
  EXPECT_EQ(count_spines(cluster), 1);
  EXPECT_DOUBLE_EQ(bandwidth_out_of(cluster, "leaf0", LinkKind::nic), 100e9);
  EXPECT_DOUBLE_EQ(bandwidth_out_of(cluster, "leaf0", LinkKind::fabric), 50e9);
  config = rails(30, 1);
  config.fabric.nodes_per_leaf = 30;
  config.fabric.oversubscription = 1.2;
  EXPECT_EQ(count_spines(build_cluster(config)), 25);
}

TEST(RailOptimizedFatTree, SizesThatCannotBeAreNamed) {
  const auto where = [](double oversubscription, int nodes_per_leaf) {
    ClusterConfig config = rails(8, 2);
    config.fabric.oversubscription = oversubscription;
    config.fabric.nodes_per_leaf = nodes_per_leaf;
    try {
      build_cluster(config);
    } catch (const base::Error& error) {
      return error.where();
    }
    return std::string("built");
  };
  EXPECT_EQ(where(4, 4), "built");
  EXPECT_EQ(where(5, 4), "/cluster/fabric/oversubscription");
  EXPECT_EQ(where(0.5, 4), "/cluster/fabric/oversubscription");
  EXPECT_EQ(where(1, 0), "/cluster/fabric/nodes_per_leaf");
}

// One pair's routes under 64 seeds spread over all 4 spines; under one seed, 16 x 16 pairs do.
TEST(RailOptimizedFatTree, HashSpreadsRoutesOverAllSpines) {
  const Cluster cluster = build_cluster(rails(8, 4));
  std::set<int> spines_of_one_pair;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    Router router(cluster, {.seed = seed});
    spines_of_one_pair.insert(cluster.links[router.route(0, 17)[2]].to);
  }
  EXPECT_EQ(spines_of_one_pair.size(), 4u);
  Router router(cluster);
  std::map<int, int> routes_over;
  for (int source = 0; source < 16; ++source) {
    for (int destination = 16; destination < 32; ++destination) {
      ++routes_over[cluster.links[router.route(source, destination)[2]].to];
    }
  }
  EXPECT_EQ(routes_over.size(), 4u);
  // 256 routes over 4 spines: 64 each, standard deviation sqrt(256 x 1/4 x 3/4) = 7; 4 of them: 28.
  for (const auto& [spine, routes] : routes_over) EXPECT_NEAR(routes, 64, 28);
}

}  // namespace
}  // namespace moesim::topologies
