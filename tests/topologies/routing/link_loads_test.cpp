// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/support/routed_clusters.h"
#include "topologies/routing.h"

namespace moesim::topologies {
namespace {

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

TEST(LinkLoads, ATransferWithoutAWayIsAnError) {
  Cluster cluster = testing::example_star({0, 0});
  cluster.links.pop_back();  // switch -> gpu1
  const std::vector<Transfer> transfers = {{0, 1, base::Bytes(1)}};
  for (const RoutingPolicy policy : {RoutingPolicy::ecmp, RoutingPolicy::spray}) {
    Router router(cluster, {.policy = policy});
    EXPECT_THROW(link_loads(router, transfers), base::Error);
  }
}

// Sums over the ways of each transfer, one by one.
std::vector<double> by_paths(Router& router, const std::vector<Transfer>& transfers) {
  std::vector<double> bytes(router.cluster().links.size());
  for (const Transfer& transfer : transfers) {
    for (const Path& path : router.paths(transfer.source, transfer.destination)) {
      for (const int link : path.links) bytes[link] += path.share * transfer.bytes.value;
    }
  }
  return bytes;
}

std::vector<double> by_link_loads(Router& router, const std::vector<Transfer>& transfers) {
  std::vector<double> bytes(router.cluster().links.size());
  for (const LinkLoad& load : link_loads(router, transfers)) bytes[load.link] = load.bytes.value;
  return bytes;
}

bool fits(RoutingPolicy policy, Topology topology) {
  const bool is_grid = topology == Topology::torus || topology == Topology::hyperx;
  if (policy == RoutingPolicy::dimension_order) return is_grid;
  return policy != RoutingPolicy::valiant || is_grid || topology == Topology::dragonfly;
}

class LoadsOfPolicy : public ::testing::TestWithParam<RoutingPolicy> {
 protected:
  // Single ways to the last bit, for uneven bytes too; sprayed ones to rounding.
  void compare(Router& router, const std::vector<Transfer>& transfers) const {
    const std::vector<double> expected = by_paths(router, transfers);
    const std::vector<double> loads = by_link_loads(router, transfers);
    for (std::size_t link = 0; link < loads.size(); ++link) {
      const bool is_spray = GetParam() == RoutingPolicy::spray;
      ASSERT_NEAR(loads[link], expected[link], is_spray ? 1e-12 * expected[link] : 0)
          << router.cluster().links[link].name;
    }
  }
};

TEST_P(LoadsOfPolicy, AreTheSumOverAllWaysOnEveryTopology) {
  for (const Topology topology : testing::all_topologies()) {
    if (!fits(GetParam(), topology)) continue;
    const Cluster cluster = build_cluster(testing::config_of_topology(topology));
    std::vector<Transfer> transfers =
        testing::skewed_all_to_all(cluster.num_ranks(), 1000, 5).transfers;
    for (Transfer& transfer : transfers) transfer.bytes = transfer.bytes / 7.0;
    Router router(cluster, {.policy = GetParam(), .rail_forwarding = true});
    compare(router, transfers);
  }
}

// INV-2: every vertex that begins and ends nothing sends on what it receives.
TEST_P(LoadsOfPolicy, ConserveBytes) {
  for (const Topology topology : testing::all_topologies()) {
    if (!fits(GetParam(), topology)) continue;
    const Cluster cluster = build_cluster(testing::config_of_topology(topology));
    const std::vector<Transfer> transfers =
        testing::skewed_all_to_all(cluster.num_ranks(), 1000, 6).transfers;
    Router router(cluster, {.policy = GetParam(), .rail_forwarding = true});
    std::vector<double> kept(cluster.vertices.size());
    for (const LinkLoad& load : link_loads(router, transfers)) {
      kept[cluster.links[load.link].to] += load.bytes.value;
      kept[cluster.links[load.link].from] -= load.bytes.value;
    }
    for (const Transfer& transfer : transfers) {
      kept[cluster.accelerators[transfer.destination]] -= transfer.bytes.value;
      kept[cluster.accelerators[transfer.source]] += transfer.bytes.value;
    }
    for (const double bytes : kept) ASSERT_NEAR(bytes, 0, 1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, LoadsOfPolicy,
                         ::testing::Values(RoutingPolicy::ecmp, RoutingPolicy::spray,
                                           RoutingPolicy::dimension_order, RoutingPolicy::valiant));

class LoadsOnRandomClusters : public LoadsOfPolicy {};

TEST_P(LoadsOnRandomClusters, AreTheSumOverAllWays) {
  for (int seed = 0; seed < 100; ++seed) {
    const Cluster cluster = testing::random_cluster(seed);
    Router router(cluster, {.policy = GetParam(), .rail_forwarding = seed % 2 == 1});
    std::vector<Transfer> transfers =
        testing::skewed_all_to_all(cluster.num_ranks(), 1000, 5).transfers;
    std::erase_if(transfers, [&](const Transfer& transfer) {
      return !router.has_route(transfer.source, transfer.destination);
    });
    compare(router, transfers);
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, LoadsOnRandomClusters,
                         ::testing::Values(RoutingPolicy::ecmp, RoutingPolicy::spray));

}  // namespace
}  // namespace moesim::topologies
