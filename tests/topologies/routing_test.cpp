// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/error.h"
#include "tests/support/routed_clusters.h"
#include "topologies/graph.h"

namespace moesim::topologies {
namespace {

using testing::DrawnCluster;
using testing::example_config;
using testing::names_along;

// One route from a table of its destination alone, by Boost.Graph's search and the hash in words:
// none where there is no way.
std::optional<std::vector<int>> plain_route(const Cluster& cluster, const Graph& graph,
                                            std::uint64_t seed, const Transfer& pair) {
  const auto mixed = [](std::uint64_t sum, int number) {
    return base::mix(sum + static_cast<std::uint64_t>(number));
  };
  const std::uint64_t hash = mixed(mixed(base::mix(seed), pair.source), pair.destination);
  const int goal = cluster.accelerators[pair.destination];
  const std::vector<int> hops = hops_to(graph, goal);
  std::vector<int> route;
  for (int vertex = cluster.accelerators[pair.source]; vertex != goal;) {
    std::vector<int> choices;
    for (auto [edge, end] = boost::out_edges(vertex, graph); edge != end; ++edge) {
      const int head = static_cast<int>(boost::target(*edge, graph));
      const bool passes = head == goal || graph[head].kind != VertexKind::accelerator;
      if (passes && hops[head] >= 0 && hops[head] == hops[vertex] - 1) {
        choices.push_back(graph[*edge].link);
      }
    }
    if (choices.empty()) return std::nullopt;
    route.push_back(choices[mixed(hash, vertex) % choices.size()]);
    vertex = cluster.links[route.back()].to;
  }
  return route;
}

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

// The choices of ecmp are those of tables per destination, link for link, on all topologies but the
// dragonfly, where fewest hops is not minimal.
TEST(Router, ChoosesAsTablesOfEachDestinationWould) {
  for (const Topology topology : testing::all_topologies()) {
    if (topology == Topology::dragonfly) continue;
    const Cluster cluster = build_cluster(testing::config_of_topology(topology));
    const Graph graph = make_graph(cluster);
    Router router(cluster, {.seed = 11});
    testing::for_all_pairs(cluster, [&](int source, int destination) {
      const auto expected = plain_route(cluster, graph, 11, {source, destination, {}});
      ASSERT_EQ(router.has_route(source, destination), expected.has_value());
      if (!expected) return;
      const std::span<const int> route = router.route(source, destination);
      ASSERT_EQ(std::vector<int>(route.begin(), route.end()), *expected);
    });
  }
}

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

// Two leaves, two spines, an accelerator with its NIC on each leaf: links 8 to 11 are leaf0's
// cables.
DrawnCluster two_spines() {
  DrawnCluster drawn;
  const int leaves[] = {drawn.fabric_switch("leaf0"), drawn.fabric_switch("leaf1")};
  for (int node = 0; node < 2; ++node) {
    const int gpu = drawn.accelerator(node);
    const int nic = drawn.nic(node);
    drawn.cable(gpu, nic, LinkKind::pcie);
    drawn.cable(nic, leaves[node], LinkKind::nic);
  }
  const int spines[] = {drawn.fabric_switch("spine0"), drawn.fabric_switch("spine1")};
  for (const int leaf : leaves) {
    for (const int spine : spines) drawn.cable(leaf, spine);
  }
  return drawn;
}

// leaf0 -> spine1 down leaves spine0 to what leaf0 sends; both down leave nothing; up again, all is
// as before. Spans of before stay.
TEST(Apply, LinksThatAreDownAreInNoNewRoute) {
  const DrawnCluster drawn = two_spines();
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6}) {
    Router router(drawn.cluster, {.seed = seed});
    const std::span<const int> before = router.route(0, 1);
    const std::vector<int> copy(before.begin(), before.end());
    const int uplink = before[2];
    const int other = 8 + 10 - uplink;
    ASSERT_TRUE(uplink == 8 || uplink == 10);
    router.apply(std::vector<LinkChange>{{.link = uplink, .up = false}});
    EXPECT_FALSE(router.is_up(uplink));
    EXPECT_EQ(router.route(0, 1)[2], other);
    EXPECT_EQ(router.paths(0, 1)[0].links[2], other);
    router.apply(std::vector<LinkChange>{{.link = other, .up = false}});
    EXPECT_FALSE(router.has_route(0, 1));
    EXPECT_TRUE(router.has_route(1, 0));
    EXPECT_THROW(router.route(0, 1), base::Error);
    const base::BytesPerSecond rate(1e9);
    router.apply(std::vector<LinkChange>{{uplink, true, rate, base::Seconds(1e-6)},
                                         {other, true, rate, base::Seconds(1e-6)}});
    const std::span<const int> after = router.route(0, 1);
    EXPECT_EQ(std::vector<int>(after.begin(), after.end()), copy);
    EXPECT_EQ(std::vector<int>(before.begin(), before.end()), copy);
  }
}

// gpu0's NIC cable gets slower: latency and cluster say so, and a link that goes down keeps its
// figures.
TEST(Apply, LatencyAndBandwidthAreThoseOfNow) {
  Router router(two_spines().cluster);
  EXPECT_DOUBLE_EQ(router.latency(0, 1).value, 6e-6);
  router.apply(std::vector<LinkChange>{{2, true, base::BytesPerSecond(5e8), base::Seconds(4e-6)}});
  EXPECT_DOUBLE_EQ(router.latency(0, 1).value, 9e-6);
  EXPECT_EQ(router.cluster().links[2].bandwidth.value, 5e8);
  router.apply(std::vector<LinkChange>{{.link = 2, .up = false}});
  EXPECT_EQ(router.cluster().links[2].bandwidth.value, 5e8);
  EXPECT_FALSE(router.has_route(0, 1));
}

// What random links leave standing: no route takes one that is down, those that are left are routes
// of a cluster without them, and all come back.
TEST(Apply, IsTheSameAsAClusterWithoutTheLinks) {
  for (int seed = 0; seed < 40; ++seed) {
    const Cluster cluster = testing::random_cluster(seed);
    base::Rng rng(seed, "down");
    Router router(cluster);
    Router fresh(cluster);
    std::vector<LinkChange> down;
    for (std::size_t l = 0; l < cluster.links.size(); ++l) {
      if (rng.below(6) == 0) down.push_back({.link = static_cast<int>(l), .up = false});
    }
    for (int pair = 0; pair < 20; ++pair) {  // caches to drop
      router.has_route(pair % cluster.num_ranks(), 0);
    }
    router.apply(down);
    fresh.apply(down);
    testing::for_all_pairs(cluster, [&](int source, int destination) {
      ASSERT_EQ(router.has_route(source, destination), fresh.has_route(source, destination));
      if (!router.has_route(source, destination)) return;
      const std::span<const int> links = router.route(source, destination);
      const std::span<const int> same = fresh.walk(source, destination);
      ASSERT_TRUE(std::equal(links.begin(), links.end(), same.begin(), same.end()));
      for (const int link : links) ASSERT_TRUE(router.is_up(link));
    });
  }
}

// Vertices of any kind in a row, in nodes or not, each accelerator on two of them: nothing that a
// builder makes. Each walk still ends, at its end, over no vertex twice.
Cluster odd_cluster(std::uint64_t seed) {
  base::Rng rng(seed, "odd_cluster");
  DrawnCluster drawn;
  const int count = 2 + static_cast<int>(rng.below(5));
  for (int i = 0; i < count; ++i) {
    drawn.fabric_switch("v" + std::to_string(i));
    drawn.cluster.vertices[i].kind = static_cast<VertexKind>(1 + rng.below(4));
    drawn.cluster.vertices[i].node = static_cast<int>(rng.below(4)) - 1;
    if (i > 0) drawn.cable(i - 1, i);
  }
  for (int i = 0; i < 5; ++i) {
    const int gpu = drawn.accelerator(i % 3);
    const auto kind = static_cast<LinkKind>(rng.below(4));
    for (int port = 0; port < 2; ++port) {
      drawn.cable(gpu, static_cast<int>(rng.below(count)), kind);
    }
  }
  return std::move(drawn.cluster);
}

TEST(Router, WalksEndOnGraphsOfAnyKind) {
  int routes = 0;
  for (int seed = 0; seed < 300; ++seed) {
    const Cluster cluster = odd_cluster(seed);
    Router router(cluster);
    Router spraying(cluster, {.policy = RoutingPolicy::spray});
    testing::for_all_pairs(cluster, [&](int source, int destination) {
      ASSERT_EQ(router.has_route(source, destination), spraying.has_route(source, destination));
      if (!router.has_route(source, destination)) return;
      int vertex = cluster.accelerators[source];
      std::set<int> passed = {vertex};
      for (const int link : router.walk(source, destination)) {
        ASSERT_EQ(cluster.links[link].from, vertex);
        vertex = cluster.links[link].to;
        ASSERT_TRUE(passed.insert(vertex).second);
      }
      ASSERT_EQ(vertex, cluster.accelerators[destination]);
      double shares = source == destination ? 1 : 0;
      for (const Path& path : spraying.walk_paths(source, destination)) shares += path.share;
      ASSERT_NEAR(shares, 1, 1e-12);
      ++routes;
    });
  }
  EXPECT_GT(routes, 3000);
}

// Endpoints 2 and 3 are leaf0 and spine1: both send, receive and forward.
TEST(Endpoints, ReducersAreEndsOfRoutesAndForward) {
  DrawnCluster drawn = two_spines();
  drawn.cluster.reducers = {0, 7};
  const Cluster& cluster = drawn.cluster;
  ASSERT_EQ(cluster.vertices[7].name, "spine1");
  Router router(cluster);
  EXPECT_EQ(names_along(cluster, router.route(0, 2)), "gpu0 nic3 leaf0");
  EXPECT_EQ(names_along(cluster, router.route(2, 1)).substr(0, 11), "leaf0 spine");
  EXPECT_EQ(names_along(cluster, router.route(3, 0)), "spine1 leaf0 nic3 gpu0");
  EXPECT_EQ(names_along(cluster, router.route(2, 3)), "leaf0 spine1");
  EXPECT_EQ(router.route(0, 1).size(), 6u);
  router.apply(std::vector<LinkChange>{{.link = 10, .up = false}, {.link = 8, .up = false}});
  try {
    router.route(2, 1);
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.message(), "no route from switch (leaf0) to rank 1 (gpu1)");
  }
}

// The reducing scale-up switch of a node: its accelerators reach it and nobody else does.
TEST(Endpoints, AScaleUpSwitchIsReachedFromItsNode) {
  Cluster cluster = build_cluster(example_config(Topology::rail_optimized_fat_tree, 2, 2));
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    if (cluster.vertices[v].name == "node1/nvswitch") cluster.reducers = {static_cast<int>(v)};
  }
  Router router(cluster);
  EXPECT_EQ(names_along(cluster, router.route(2, 4)), "node1/gpu0 node1/nvswitch");
  EXPECT_EQ(names_along(cluster, router.route(4, 3)), "node1/nvswitch node1/gpu1");
  EXPECT_FALSE(router.has_route(0, 4));
  EXPECT_FALSE(router.has_route(4, 0));
}

// Node 0: gpu0 and gpu1 share nic3 on a PCIe switch, as nodes with one NIC for two accelerators do.
// Node 1: gpu2 has two NICs of its own.
struct SharedAndDouble {
  DrawnCluster drawn;

  SharedAndDouble() {
    const int leaf = drawn.fabric_switch("leaf");
    const int gpus[] = {drawn.accelerator(0), drawn.accelerator(0)};
    const int nic = drawn.nic(0);
    const int pcie = drawn.pcie_switch(0);
    for (const int gpu : gpus) drawn.cable(gpu, pcie, LinkKind::pcie);
    drawn.cable(pcie, nic, LinkKind::pcie);
    drawn.cable(nic, leaf, LinkKind::nic);
    const int far = drawn.accelerator(1);
    for (int i = 0; i < 2; ++i) {
      const int port = drawn.nic(1);
      drawn.cable(far, port, LinkKind::pcie);
      drawn.cable(port, leaf, LinkKind::nic);
    }
  }
};

TEST(NicAffinity, AcceleratorsThatShareANicTakeIt) {
  const SharedAndDouble both;
  const Cluster& cluster = both.drawn.cluster;
  Router router(cluster);
  EXPECT_EQ(names_along(cluster, router.route(0, 2)).substr(0, 19), "gpu0 pcie nic3 leaf");
  EXPECT_EQ(names_along(cluster, router.route(1, 2)).substr(0, 19), "gpu1 pcie nic3 leaf");
  EXPECT_EQ(names_along(cluster, router.route(0, 1)), "gpu0 pcie gpu1");
}

// Either NIC, by the hash, both as a way out and as a way in; sprayed, half over each.
TEST(NicAffinity, AnAcceleratorWithTwoNicsUsesBoth) {
  const SharedAndDouble both;
  const Cluster& cluster = both.drawn.cluster;
  std::set<std::string> out;
  std::set<std::string> in;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Router router(cluster, {.seed = seed});
    out.insert(names_along(cluster, router.route(2, 0)));
    in.insert(names_along(cluster, router.route(0, 2)));
  }
  EXPECT_EQ(out, (std::set<std::string>{"gpu2 nic6 leaf nic3 pcie gpu0",
                                        "gpu2 nic7 leaf nic3 pcie gpu0"}));
  EXPECT_EQ(in, (std::set<std::string>{"gpu0 pcie nic3 leaf nic6 gpu2",
                                       "gpu0 pcie nic3 leaf nic7 gpu2"}));
  Router spraying(cluster, {.policy = RoutingPolicy::spray});
  ASSERT_EQ(spraying.paths(2, 0).size(), 2u);
  EXPECT_EQ(spraying.paths(2, 0)[0].share, 0.5);
}

// MI300X: accelerators joined to each other directly are one hop apart.
TEST(ScaleUpMesh, AcceleratorsTalkOverTheirOwnLink) {
  ClusterConfig config = example_config(Topology::single_switch, 2, 4);
  config.node.scale_up = ScaleUp::full_mesh;
  const Cluster cluster = build_cluster(config);
  Router router(cluster);
  EXPECT_EQ(names_along(cluster, router.route(0, 3)), "node0/gpu0 node0/gpu3");
  EXPECT_EQ(router.route(0, 5).size(), 4u);
}

}  // namespace
}  // namespace moesim::topologies
