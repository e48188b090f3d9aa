// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "tests/support/example_cluster.h"
#include "topologies/graph.h"

namespace moesim::topologies {
namespace {

using testing::example_config;

class Routes : public ::testing::TestWithParam<Topology> {};

// For all pairs of 8 nodes x 4: the links join up from source to destination, no accelerator lies
// between, and there are exactly as many links as the breadth-first search counts hops.
TEST_P(Routes, AreConnectedShortestAndPassNoAccelerator) {
  const Cluster cluster = build_cluster(example_config(GetParam(), 8, 4));
  const Graph graph = make_graph(cluster);
  Router router(cluster, {.seed = 7});
  for (int destination = 0; destination < cluster.num_ranks(); ++destination) {
    const std::vector<int> hops = hops_to(graph, cluster.accelerators[destination]);
    for (int source = 0; source < cluster.num_ranks(); ++source) {
      int vertex = cluster.accelerators[source];
      const std::span<const int> route = router.route(source, destination);
      ASSERT_EQ(static_cast<int>(route.size()), hops[vertex]);
      for (std::size_t i = 0; i < route.size(); ++i) {
        ASSERT_EQ(cluster.links[route[i]].from, vertex);
        vertex = cluster.links[route[i]].to;
        const bool inside = i + 1 < route.size();
        ASSERT_FALSE(inside && cluster.vertices[vertex].kind == VertexKind::accelerator);
      }
      ASSERT_EQ(vertex, cluster.accelerators[destination]);
    }
  }
}

// The order of questions changes nothing: each route hangs on the seed and its ends alone.
TEST_P(Routes, AreTheSameHoweverOftenAndInWhateverOrderTheyAreAsked) {
  const Cluster cluster = build_cluster(example_config(GetParam(), 8, 4));
  Router forwards(cluster, {.seed = 3});
  Router backwards(cluster, {.seed = 3});
  const int pairs = cluster.num_ranks() * cluster.num_ranks();
  std::vector<std::vector<int>> first(pairs);
  for (int i = 0; i < pairs; ++i) {
    const std::span<const int> route = forwards.route(i / 32, i % 32);
    first[i].assign(route.begin(), route.end());
  }
  for (int i = pairs - 1; i >= 0; --i) {
    const std::span<const int> again = forwards.route(i / 32, i % 32);
    const std::span<const int> other = backwards.route(i / 32, i % 32);
    ASSERT_EQ(first[i], std::vector<int>(again.begin(), again.end()));
    ASSERT_EQ(first[i], std::vector<int>(other.begin(), other.end()));
  }
}

// What is sent to a rank arrives over its accelerator's incoming links, what it sends leaves over
// its outgoing ones, and nothing passes through it.
TEST_P(Routes, LoadsConserveBytes) {
  const Cluster cluster = build_cluster(example_config(GetParam(), 8, 4));
  Router router(cluster);
  const sim::Collective traffic = testing::skewed_all_to_all(32, 1000, 5);
  std::map<int, double> arrived;
  std::map<int, double> left;
  for (const LinkLoad& load : link_loads(router, traffic.transfers)) {
    arrived[cluster.links[load.link].to] += load.bytes.value;
    left[cluster.links[load.link].from] += load.bytes.value;
  }
  std::vector<double> to(32, 0.0);
  std::vector<double> from(32, 0.0);
  for (const Transfer& transfer : traffic.transfers) {
    to[transfer.destination] += transfer.bytes.value;
    from[transfer.source] += transfer.bytes.value;
  }
  for (int rank = 0; rank < 32; ++rank) {
    // Whole bytes far below 2^53 add up exactly.
    EXPECT_EQ(arrived[cluster.accelerators[rank]], to[rank]);
    EXPECT_EQ(left[cluster.accelerators[rank]], from[rank]);
  }
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    if (cluster.vertices[v].kind == VertexKind::accelerator) continue;
    EXPECT_EQ(arrived[static_cast<int>(v)], left[static_cast<int>(v)]);
  }
}

INSTANTIATE_TEST_SUITE_P(AllTopologies, Routes,
                         ::testing::Values(Topology::single_switch,
                                           Topology::rail_optimized_fat_tree));

TEST(Router, RankToItselfNeedsNoLink) {
  const Cluster cluster = testing::example_star({1e-6, 1e-6});
  Router router(cluster);
  EXPECT_TRUE(router.route(1, 1).empty());
  EXPECT_EQ(router.latency(1, 1).value, 0);
}

TEST(Router, RanksWithoutARouteAreAnErrorThatNamesThem) {
  Cluster cluster = testing::example_star({0, 0});
  cluster.links.pop_back();  // switch -> gpu1
  Router router(cluster);
  try {
    router.route(0, 1);
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.message(), "no route from rank 0 (gpu0) to rank 1 (gpu1)");
  }
}

TEST(Router, SaysWhetherThereIsARouteWithoutThrowing) {
  Cluster cluster = testing::example_star({0, 0});
  cluster.links.pop_back();  // switch -> gpu1
  Router router(cluster);
  EXPECT_FALSE(router.has_route(0, 1));
  EXPECT_TRUE(router.has_route(1, 0));
  EXPECT_TRUE(router.has_route(1, 1));
}

TEST_P(Routes, WalkTheSameLinksWithoutBeingRemembered) {
  const Cluster cluster = build_cluster(example_config(GetParam(), 8, 4));
  Router remembering(cluster, {.seed = 9});
  Router walking(cluster, {.seed = 9});
  for (int source = 0; source < cluster.num_ranks(); ++source) {
    for (int destination = 0; destination < cluster.num_ranks(); ++destination) {
      const std::span<const int> route = remembering.route(source, destination);
      const std::span<const int> walk = walking.walk(source, destination);
      ASSERT_EQ(std::vector<int>(route.begin(), route.end()),
                std::vector<int>(walk.begin(), walk.end()));
    }
  }
}

// 0 -> 1 twice, 5 + 7 bytes, over links 0 (gpu0->switch) and 3 (switch->gpu1); no bytes, no load.
TEST(LinkLoads, SumBytesPerLinkInLinkOrder) {
  const Cluster cluster = testing::example_star({0, 0, 0});
  Router router(cluster);
  const std::vector<Transfer> transfers = {{0, 1, base::Bytes(5)},
                                           {0, 1, base::Bytes(7)},
                                           {2, 1, base::Bytes(0)},
                                           {2, 2, base::Bytes(9)}};
  const std::vector<LinkLoad> loads = link_loads(router, transfers);
  ASSERT_EQ(loads.size(), 2u);
  EXPECT_EQ(loads[0].link, 0);
  EXPECT_EQ(loads[1].link, 3);
  EXPECT_EQ(loads[0].bytes.value, 12);
  EXPECT_EQ(loads[1].bytes.value, 12);
}

}  // namespace
}  // namespace moesim::topologies
