// SPDX-License-Identifier: Apache-2.0
#include "sim/network/collective_load.h"

#include <gtest/gtest.h>

#include "sim/network/network.h"
#include "tests/support/detour.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::Seconds;
using testing::collective_of;

// 0 -> 2 and 1 -> 2, 3 MB and 1 MB over gpu2's port of 1 GB/s: 4 ms there.
TEST(CollectiveLoad, SumsTheBytesOfEachLink) {
  const topologies::Cluster star = testing::example_star({1e-6, 2e-6, 5e-6});
  topologies::Router router(star);
  Collective collective = collective_of(3, {{0, 2, Bytes(3e6)}, {1, 2, Bytes(1e6)}});
  collective.protocol_latency = Seconds(10e-6);
  const CollectiveLoad load = load_of(router, collective);
  ASSERT_EQ(load.links.size(), 3u);
  const std::vector<std::pair<int, double>> expected = {{0, 3e6}, {2, 1e6}, {5, 4e6}};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(load.links[i].link, expected[i].first);
    EXPECT_EQ(load.links[i].bytes, Bytes(expected[i].second));
  }
  EXPECT_EQ(load.busiest_link, Seconds(4e-3));
  // The port waits for the nearer of the two, 6 us away.
  EXPECT_NEAR(load.latency.value, 16e-6, 1e-15);
  EXPECT_NEAR(load.floor.value, 4.016e-3, 1e-15);
}

TEST(CollectiveLoad, OfNothingIsTheProtocolLatency) {
  const topologies::Cluster star = testing::example_star({1e-6, 1e-6});
  topologies::Router router(star);
  Collective nothing = collective_of(2, {{0, 1, Bytes(0)}, {1, 1, Bytes(5)}});
  nothing.protocol_latency = Seconds(7e-6);
  const CollectiveLoad load = load_of(router, nothing);
  EXPECT_TRUE(load.links.empty());
  EXPECT_EQ(load.busiest_link, Seconds(0));
  EXPECT_EQ(load.floor, Seconds(7e-6));
}

// 1 kB to gpu2 over ports of 1 us, and 900 B from gpu1 to gpu3, which is 1 ms away: the busiest
// link has its 1 us after 2 us, but the other message takes 1001 us and 0.9 us.
TEST(CollectiveLoad, IsNoFasterThanItsSlowestMessage) {
  const topologies::Cluster star = testing::example_star({1e-6, 1e-6, 1e-6, 1e-3});
  topologies::Router router(star);
  const CollectiveLoad load =
      load_of(router, collective_of(4, {{0, 2, Bytes(1000)}, {1, 3, Bytes(900)}}));
  EXPECT_EQ(load.busiest_link, Seconds(1e-6));
  EXPECT_NEAR(load.floor.value, 1001.9e-6, 1e-15);
}

// A near message and a far one share gpu2's port: 1 kB from gpu0, 2 us away, and 5 kB from gpu1,
// 101 us away. The port needs 6 us, from 2 us on; the far message alone 101 + 5 us.
TEST(CollectiveLoad, AFarMessageOfASharedLinkCountsWithItsOwnLatency) {
  const topologies::Cluster star = testing::example_star({1e-6, 100e-6, 1e-6});
  topologies::Router router(star);
  const Collective collective = collective_of(3, {{0, 2, Bytes(1000)}, {1, 2, Bytes(5000)}});
  EXPECT_NEAR(floor_of(router, collective).value, 106e-6, 1e-15);
}

// Half of 1 GB over each of two ways of 1 GB/s, 4 us: 0.5 s.
TEST(CollectiveLoad, ASprayedMessageIsAsSlowAsItsSlowestWay) {
  const testing::TwoWays ways = testing::drawn_two_ways();
  topologies::Router router(ways.cluster, {topologies::RoutingPolicy::spray});
  const Collective collective = collective_of(4, {{0, 1, Bytes(1e9)}});
  EXPECT_NEAR(floor_of(router, collective).value, 0.5 + 4e-6, 1e-12);
}

// Three rounds, each after 1 us of its own; ports of 1 GB/s and 1 us, so each hop 2 us.
//   round 0:  0 -> 1 of 1 MB, ends at 1.003 ms; 2 -> 3 of 5 MB, ends at 5.003 ms.
//   round 1:  1 -> 4 of 2 MB waits for rank 1: 1.003 + 2.003 = 3.006 ms.
//   round 2:  4 -> 0 of 1 MB waits for rank 4: 3.006 + 1.003 = 4.009 ms.
// 2 -> 3 keeps nobody waiting and is the longest: 5.003 ms; with 3 MB, 3.003 ms, the chain is.
TEST(LongestChain, WaitsOnlyForTheTwoEnds) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(5, 1e-6));
  topologies::Router router(star);
  for (const auto& [bytes, expected] : {std::pair(5e6, 5.003e-3), std::pair(3e6, 4.009e-3)}) {
    Collective collective = collective_of(
        5, {{0, 1, Bytes(1e6)}, {2, 3, Bytes(bytes)}, {1, 4, Bytes(2e6)}, {4, 0, Bytes(1e6)}});
    collective.rounds = {{2, Seconds(1e-6)}, {3, Seconds(1e-6)}, {4, Seconds(1e-6)}};
    collective.protocol_latency = Seconds(10e-6);
    EXPECT_NEAR(longest_chain(router, collective).value, expected, 1e-15);
    EXPECT_NEAR(floor_of(router, collective).value, expected + 10e-6, 1e-15);
  }
}

// Messages of one round share nothing here: the chain of two from gpu0 is one after the other only
// across rounds.
TEST(LongestChain, MessagesOfOneRoundDoNotWaitForEachOther) {
  const topologies::Cluster star = testing::example_star({0, 0, 0});
  topologies::Router router(star);
  Collective collective = collective_of(3, {{0, 1, Bytes(1e6)}, {0, 2, Bytes(1e6)}});
  EXPECT_EQ(longest_chain(router, collective), Seconds(0));
  collective.rounds = {{2, Seconds(0)}};
  EXPECT_NEAR(longest_chain(router, collective).value, 1e-3, 1e-15);
  collective.rounds = {{1, Seconds(0)}, {2, Seconds(0)}};
  EXPECT_NEAR(longest_chain(router, collective).value, 2e-3, 1e-15);
}

}  // namespace
}  // namespace moesim::sim
