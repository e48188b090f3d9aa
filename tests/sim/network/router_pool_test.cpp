// SPDX-License-Identifier: Apache-2.0
#include "sim/network/router_pool.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "sim/network/known_collectives.h"
#include "tests/support/example_cluster.h"
#include "tests/support/skewed_traffic.h"

namespace moesim::sim {
namespace {

using topologies::Transfer;

topologies::Cluster rail_fat_tree(int nodes) {
  return build_cluster(
      testing::example_config(topologies::Topology::rail_optimized_fat_tree, nodes, 8));
}

TEST(RouterPool, EveryThreadHasTheRoutesOfTheOne) {
  const topologies::Cluster cluster = rail_fat_tree(4);
  topologies::Router router(cluster, {.seed = 5});
  topologies::Router alone(cluster, {.seed = 5});
  RouterPool pool(router, 4);
  std::vector<std::vector<int>> routes(32 * 32);
  pool.for_each(32 * 32, [&](topologies::Router& own, int pair) {
    const auto route = own.walk(pair / 32, pair % 32);
    routes[pair] = {route.begin(), route.end()};
  });
  for (int pair = 0; pair < 32 * 32; ++pair) {
    const auto expected = alone.walk(pair / 32, pair % 32);
    EXPECT_TRUE(
        std::equal(expected.begin(), expected.end(), routes[pair].begin(), routes[pair].end()))
        << pair / 32 << " to " << pair % 32;
  }
}

// All links into rank 1's NIC go down between two rounds of questions.
TEST(RouterPool, KnowsOfAChangeOnceRenewed) {
  const topologies::Cluster cluster = rail_fat_tree(2);
  topologies::Router router(cluster);
  RouterPool pool(router, 3);
  const auto has_ways = [&] {
    std::vector<char> found(64, 0);
    pool.for_each(64, [&](topologies::Router& own, int i) { found[i] = own.has_route(8, 1); });
    return found;
  };
  EXPECT_EQ(has_ways(), std::vector<char>(64, 1));
  std::vector<topologies::LinkChange> cuts;
  for (const int link : router.route(8, 1)) cuts.push_back({.link = link, .up = false});
  router.apply(cuts);
  pool.renew();
  EXPECT_EQ(has_ways(), std::vector<char>(64, router.has_route(8, 1) ? 1 : 0));
  EXPECT_FALSE(router.has_route(8, 1));
}

// 600 ranks' 359,400 messages are two blocks, and are worked out by load class.
TEST(RouterPool, LargeCollectivesComeOutTheSameOnAnyNumberOfThreads) {
  const topologies::Cluster cluster = rail_fat_tree(75);
  const Collective collective = testing::skewed_all_to_all(600, 1e6, 3);
  ASSERT_EQ(num_blocks(collective.transfers), 2u);
  std::vector<AloneTimes> times;
  for (const int threads : {1, 2, 3}) {
    topologies::Router router(cluster);
    times.push_back(*KnownCollectives(router, threads).of(collective));
  }
  for (const AloneTimes& other : times) {
    EXPECT_EQ(other.latency, times[0].latency);
    EXPECT_EQ(other.carrying, times[0].carrying);
    EXPECT_EQ(other.load.floor, times[0].load.floor);
    EXPECT_EQ(other.load.links, times[0].load.links);
  }
  topologies::Router router(cluster);
  for (const topologies::LinkLoad& load : link_loads(router, collective.transfers)) {
    const auto found = std::find_if(times[0].load.links.begin(), times[0].load.links.end(),
                                    [&](const auto& other) { return other.link == load.link; });
    ASSERT_NE(found, times[0].load.links.end());
    EXPECT_NEAR(found->bytes.value, load.bytes.value, 1e-12 * load.bytes.value);
  }
}

TEST(RouterPool, PreparingOnManyThreadsChangesNothing) {
  const topologies::Cluster cluster = rail_fat_tree(4);
  std::vector<Collective> collectives;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    collectives.push_back(testing::skewed_all_to_all(32, 1e6, seed % 20));
  }
  topologies::Router router(cluster);
  KnownCollectives one(router, 1);
  topologies::Router same_router(cluster);
  KnownCollectives many(same_router, 4);
  many.prepare(collectives);
  EXPECT_EQ(many.repetition().worked_out, 20);
  for (const Collective& collective : collectives) {
    EXPECT_EQ(many.of(collective)->carrying, one.of(collective)->carrying);
    EXPECT_EQ(many.of(collective)->latency, one.of(collective)->latency);
  }
  EXPECT_EQ(many.repetition().worked_out, 20);
}

// What has no route is left to of(), which says so.
TEST(RouterPool, PreparingLeavesWhatHasNoRoute) {
  const topologies::Cluster cluster = rail_fat_tree(1);
  topologies::Router router(cluster);
  std::vector<topologies::LinkChange> cuts;
  for (int link = 0; link < static_cast<int>(cluster.links.size()); ++link) {
    if (cluster.links[link].from == cluster.accelerators[0]) {
      cuts.push_back({.link = link, .up = false});
    }
  }
  router.apply(cuts);
  ASSERT_FALSE(router.has_route(0, 1));
  KnownCollectives known(router, 2);
  const std::vector<Collective> collectives = {testing::skewed_all_to_all(8, 1e6, 1)};
  EXPECT_NO_THROW(known.prepare(collectives));
  EXPECT_EQ(known.repetition().worked_out, 0);
  EXPECT_THROW(known.of(collectives[0]), base::Error);
}

}  // namespace
}  // namespace moesim::sim
