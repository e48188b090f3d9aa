// SPDX-License-Identifier: Apache-2.0
#include "sim/network/rounds_makespan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/rng.h"
#include "sim/collectives/all_to_all.h"
#include "sim/network/channels.h"
#include "sim/network/network.h"
#include "tests/support/detour.h"
#include "tests/support/in_child_process.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::Seconds;
using testing::collective_of;

double makespan(const topologies::Cluster& cluster, const Collective& collective) {
  topologies::Router router(cluster);
  return rounds_makespan(router, channels_of(cluster), collective).value;
}

double flow_end(const topologies::Cluster& cluster, const Collective& collective) {
  return testing::in_child_process([&] {
           topologies::Router router(cluster);
           const auto network = make_network(Fidelity::flow, router);
           std::vector<double> times;
           network->start(collective,
                          [&](const CollectiveEnd& end) { times.push_back(end.end.value); });
           network->run();
           return times;
         })
      .front();
}

// Ports of 1 GB/s and 1 us. Round 0: 0 -> 1 of 10 MB, slow, and 2 -> 3 of 1 MB. Round 1, after
// 5 us: 4 -> 5 of 2 MB starts at once, 3 -> 2 of 1 MB when 2 -> 3 is there, 1 -> 0 of 1 MB when
// 0 -> 1 is: 10.002 ms + 5 us + 1.002 ms. With a slow rank of 1 MB, the longest is 2 -> 3 -> 2 and
// 0 -> 1 -> 0, both 1.002 + 0.005 + 1.002 = 2.009 ms; 4 -> 5 ends at 2.007 ms.
TEST(RoundsMakespan, ASlowRankDelaysOnlyItsPartners) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(6, 1e-6));
  for (const auto& [slow, expected] : {std::pair(10e6, 11.009e-3), std::pair(1e6, 2.009e-3)}) {
    Collective collective = collective_of(6, {{0, 1, Bytes(slow)},
                                              {2, 3, Bytes(1e6)},
                                              {4, 5, Bytes(2e6)},
                                              {3, 2, Bytes(1e6)},
                                              {1, 0, Bytes(1e6)}});
    collective.rounds = {{2, Seconds(0)}, {5, Seconds(5e-6)}};
    EXPECT_NEAR(makespan(star, collective), expected, 1e-12);
  }
}

// 0 -> 1 of 10 MB is alone on its ports. 2 -> 3 of 1 MB ends at 1 ms, and then 2 -> 4 of 8 MB goes
// at once, to end at 9 ms: rank 0 delays nobody. A barrier would let it end at 18 ms.
TEST(RoundsMakespan, IsNoBarrierAfterEachRound) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(5, 0.0));
  Collective collective =
      collective_of(5, {{0, 1, Bytes(10e6)}, {2, 3, Bytes(1e6)}, {2, 4, Bytes(8e6)}});
  collective.rounds = {{2, Seconds(0)}, {3, Seconds(0)}};
  EXPECT_NEAR(makespan(star, collective), 10e-3, 1e-12);
}

// Two switches with a cable of 1 GB/s each way, every hop 3 us. Round 0: 0 -> 1 of 4 MB, and 3 -> 2
// of 2 MB the other way, until 2.003 ms. Round 1: 2 -> 3 of 3 MB joins at 2.006 ms, when 1.997 MB
// are left of the first; these take 3.994 ms at half the rate: 6 ms. 1 -> 0 of 2 MB waits for it:
// 6 + 0.003 + 2 ms, while 2 -> 3, with 1.003 MB left at 6 ms, ends before.
TEST(RoundsMakespan, RoundsThatOverlapShareLinks) {
  const testing::Detour detour = testing::drawn_detour();
  Collective collective = collective_of(
      4, {{0, 1, Bytes(4e6)}, {3, 2, Bytes(2e6)}, {2, 3, Bytes(3e6)}, {1, 0, Bytes(2e6)}});
  collective.rounds = {{2, Seconds(0)}, {4, Seconds(0)}};
  EXPECT_NEAR(makespan(detour.cluster, collective), 8.003e-3, 1e-12);
}

struct Case {
  AllToAll algorithm;
  int num_nodes = 0;
  int per_node = 0;
};

class RoundsOf : public ::testing::TestWithParam<Case> {};

// Random bytes, so that ranks drift apart: SimGrid, message by message, ends at the same time, to a
// byte at 50 GB/s and 1 ns a round.
TEST_P(RoundsOf, EndWhenEveryMessageByItselfEnds) {
  const auto [algorithm, num_nodes, per_node] = GetParam();
  const topologies::Cluster cluster = build_cluster(
      testing::example_config(topologies::Topology::rail_optimized_fat_tree, num_nodes, per_node));
  const int n = cluster.num_ranks();
  std::vector<int> ranks;
  for (int rank = 0; rank < n; ++rank) ranks.push_back(rank);
  const Group group = group_of(cluster, ranks);
  base::Rng rng(9, "rounds_makespan_test");
  std::vector<Bytes> bytes;
  for (int i = 0; i < n * n; ++i) bytes.push_back(Bytes(1e6 + rng.below(9'000'000)));
  Collective collective = all_to_all(algorithm, group, bytes);
  ASSERT_GE(collective.rounds.size(), 2u);
  for (Round& round : collective.rounds) round.latency = Seconds(3e-6);
  const double expected = flow_end(cluster, collective);
  EXPECT_NEAR(makespan(cluster, collective), expected, 2e-9 * n);
}

INSTANTIATE_TEST_SUITE_P(Algorithms, RoundsOf,
                         ::testing::Values(Case{AllToAll::ring, 4, 1}, Case{AllToAll::ring, 2, 4},
                                           Case{AllToAll::pairwise, 4, 1},
                                           Case{AllToAll::pairwise, 2, 4},
                                           Case{AllToAll::bruck, 8, 1}));

// 70,000 messages in two rounds, more than are followed one by one: 1 kB from each of 100 ranks to
// the others in turn, again and again. Every port is busy in both rounds, so the bound, round by
// round, is exact: 700 messages a rank at 1 GB/s, and 2 us before the second round.
TEST(RoundsMakespan, OfManyEqualMessagesTheBoundIsExact) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(100, 0.0));
  Collective collective = collective_of(100, {});
  for (int i = 0; i < 70'000; ++i) {
    const int source = i % 100;
    collective.transfers.push_back({source, (source + 1 + i / 100 % 99) % 100, Bytes(1000)});
  }
  ASSERT_GT(collective.transfers.size(), kMostRoundMessages);
  collective.rounds = {{35'000, Seconds(0)}, {70'000, Seconds(2e-6)}};
  EXPECT_NEAR(makespan(star, collective), 700e-6 + 2e-6, 1e-12);
}

// The same many messages where one slow rank of the first round has nothing to do in the second:
// 0 -> 1 of 10 MB takes 10 ms, and the 69,999 others, 350 us and 350 us, need not wait for it. The
// bound waits.
TEST(RoundsMakespan, OfManyMessagesTheBoundIsAbove) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(102, 0.0));
  Collective collective = collective_of(102, {});
  collective.transfers.push_back({100, 101, Bytes(10e6)});
  for (int i = 0; i < 70'000; ++i) {
    const int source = i % 100;
    collective.transfers.push_back({source, (source + 1 + i / 100 % 99) % 100, Bytes(1000)});
  }
  collective.rounds = {{35'001, Seconds(0)}, {70'001, Seconds(0)}};
  EXPECT_NEAR(makespan(star, collective), 10e-3 + 350e-6, 1e-12);
  topologies::Router router(star);
  EXPECT_GT(makespan(star, collective), floor_of(router, collective).value * 1.03);
}

}  // namespace
}  // namespace moesim::sim
