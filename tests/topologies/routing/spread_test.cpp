// SPDX-License-Identifier: Apache-2.0
#include "topologies/routing/spread.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "tests/support/routed_clusters.h"
#include "topologies/routing.h"

namespace moesim::topologies {
namespace {

using testing::DrawnCluster;

// gpu0 - s0, s2 - gpu1; s0 joins s2 over a, over b, and over c, which has two cables on to s2.
struct ThreeWays {
  DrawnCluster drawn;
  int slow = 0;  // b -> s2

  ThreeWays() {
    const int s0 = drawn.fabric_switch("s0");
    const int s2 = drawn.fabric_switch("s2");
    drawn.cable(drawn.accelerator(0), s0);
    drawn.cable(s2, drawn.accelerator(1));
    for (const char* name : {"a", "b", "c"}) {
      const int between = drawn.fabric_switch(name);
      drawn.cable(s0, between);
      const int last = drawn.cable(between, s2);
      if (*name == 'b') slow = last;
      if (*name == 'c') drawn.cable(between, s2);
    }
  }
};

// A third over each of the three switches, the third of c halved once more.
TEST(Spray, SharesAreProductsOfEvenSplits) {
  const ThreeWays three;
  const Cluster& cluster = three.drawn.cluster;
  Router router(cluster, {.policy = RoutingPolicy::spray});
  const std::span<const Path> paths = router.paths(0, 1);
  ASSERT_EQ(paths.size(), 4u);
  EXPECT_EQ(testing::names_along(cluster, paths[0].links), "gpu0 s0 a s2 gpu1");
  EXPECT_EQ(testing::names_along(cluster, paths[1].links), "gpu0 s0 b s2 gpu1");
  EXPECT_EQ(testing::names_along(cluster, paths[2].links), "gpu0 s0 c s2 gpu1");
  EXPECT_EQ(testing::names_along(cluster, paths[3].links), "gpu0 s0 c s2 gpu1");
  EXPECT_NE(paths[2].links[2], paths[3].links[2]);
  EXPECT_DOUBLE_EQ(paths[0].share, 1.0 / 3);
  EXPECT_DOUBLE_EQ(paths[3].share, 1.0 / 6);
  EXPECT_EQ(router.paths(0, 1).data(), paths.data());
}

// Four links of 1 us, but 5 us on b's second.
TEST(Spray, LatencyIsThatOfTheSlowestWay) {
  ThreeWays three;
  three.drawn.cluster.links[three.slow].latency = base::Seconds(5e-6);
  Router router(three.drawn.cluster, {.policy = RoutingPolicy::spray});
  EXPECT_DOUBLE_EQ(router.latency(0, 1).value, 8e-6);
  EXPECT_DOUBLE_EQ(router.latency(1, 0).value, 4e-6);
  router.apply(std::vector<LinkChange>{{three.slow, true, base::BytesPerSecond(1e9), {}}});
  EXPECT_DOUBLE_EQ(router.latency(0, 1).value, 4e-6);
}

double sum_latencies(const Cluster& cluster, std::span<const int> links) {
  double sum = 0;
  for (const int link : links) sum += cluster.links[link].latency.value;
  return sum;
}

// Of every pair of every topology, whatever the doors: links of uneven latencies.
TEST(Spray, LatencyIsTheGreatestOverTheListedWays) {
  for (const Topology topology : testing::all_topologies()) {
    Cluster cluster = build_cluster(testing::config_of_topology(topology));
    base::Rng rng(5, "latencies");
    for (Link& link : cluster.links) link.latency = base::Seconds(1e-6 * (1 + rng.uniform()));
    Router router(cluster, {.policy = RoutingPolicy::spray});
    testing::for_all_pairs(cluster, [&](int source, int destination) {
      if (!router.has_route(source, destination)) return;
      double greatest = 0;
      for (const Path& path : router.paths(source, destination)) {
        greatest = std::max(greatest, sum_latencies(cluster, path.links));
      }
      ASSERT_NEAR(router.latency(source, destination).value, greatest, 1e-18);
    });
  }
}

// 20 stages of two parallel cables are 2^20 ways.
TEST(Spray, ListsNoWaysWithoutEndButLoadsTheirLinks) {
  DrawnCluster drawn;
  int last = drawn.fabric_switch("s");
  drawn.cable(drawn.accelerator(0), last);
  int first_cable = 0;
  for (int stage = 0; stage < 20; ++stage) {
    const int next = drawn.fabric_switch("t" + std::to_string(stage));
    first_cable = drawn.cable(last, next);
    drawn.cable(last, next);
    last = next;
  }
  drawn.cable(last, drawn.accelerator(1));
  Router router(drawn.cluster, {.policy = RoutingPolicy::spray});
  EXPECT_THROW(router.paths(0, 1), base::Error);
  EXPECT_NEAR(router.latency(0, 1).value, 22e-6, 1e-12);
  const std::vector<Transfer> transfers = {{0, 1, base::Bytes(8)}};
  for (const LinkLoad& load : link_loads(router, transfers)) {
    const bool is_doubled = load.link >= 2 && load.link <= first_cable + 3;
    EXPECT_EQ(load.bytes.value, is_doubled ? 4 : 8);
  }
}

TEST(Spray, HasNoSingleRoute) {
  Router router(testing::example_star({0, 0}), {.policy = RoutingPolicy::spray});
  EXPECT_ANY_THROW(router.route(0, 1));
  EXPECT_TRUE(router.paths(1, 1).empty());
}

// On a leaf with 8 uplinks, 8 messages of one size: by hash some uplink gets several, and at least
// one none (8 of 8 different ones would be a chance of 8! / 8^8 = 0.24 %); sprayed all get one's.
TEST(Spray, LoadsAllUplinksAlikeWhereEcmpCollides) {
  ClusterConfig config = testing::example_config(Topology::rail_optimized_fat_tree, 16, 1);
  config.fabric.nodes_per_leaf = 8;
  const Cluster cluster = build_cluster(config);
  std::vector<Transfer> transfers;
  for (int i = 0; i < 8; ++i) transfers.push_back({i, 8 + i, base::Bytes(1e6)});
  const auto uplink_loads = [&](RoutingPolicy policy) {
    Router router(cluster, {.policy = policy});
    std::vector<double> bytes;
    for (const LinkLoad& load : link_loads(router, transfers)) {
      if (cluster.links[load.link].name.starts_with("leaf0->spine")) {
        bytes.push_back(load.bytes.value);
      }
    }
    return bytes;
  };
  EXPECT_EQ(uplink_loads(RoutingPolicy::spray), std::vector<double>(8, 1e6));
  const std::vector<double> hashed = uplink_loads(RoutingPolicy::ecmp);
  EXPECT_LT(hashed.size(), 8u);
  EXPECT_GE(*std::max_element(hashed.begin(), hashed.end()), 2e6);
}

}  // namespace
}  // namespace moesim::topologies
