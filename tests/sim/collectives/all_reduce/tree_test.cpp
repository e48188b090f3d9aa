// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "sim/collectives/all_reduce.h"
#include "sim/collectives/protocol.h"
#include "tests/support/example_cluster.h"
#include "tests/support/lockstep.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using testing::first_ranks;
using testing::lockstep_time;
using topologies::Topology;

// Ports of 1 GB/s, hops of 2 us. A rank inside a tree takes in half the buffer from each of two
// children and from its parent, and another half as a leaf of the other tree: 2 S. Up and down a
// tree of depth ceil(log2 n).
TEST(TreeAllReduce, TakesItsClosedForm) {
  const double bytes = 5e6;
  for (const auto& [n, depth] :
       {std::pair(4, 2), std::pair(8, 3), std::pair(14, 4), std::pair(16, 4), std::pair(64, 6)}) {
    topologies::Router router(testing::example_star(std::vector<double>(n, 1e-6)));
    const Collective collective = all_reduce(AllReduce::tree, router, first_ranks(n), Bytes(bytes));
    const double expected = 2 * depth * 2e-6 + 2 * bytes / 1e9;
    EXPECT_NEAR(lockstep_time(router, collective), expected, expected * 1e-12) << n;
  }
}

// Two ranks: each is the root of one half and the leaf of the other: S / B each way.
TEST(TreeAllReduce, OfTwoRanksSwapsHalves) {
  topologies::Router router(testing::example_star({1e-6, 1e-6}));
  const Collective collective = all_reduce(AllReduce::tree, router, {0, 1}, Bytes(1e6));
  EXPECT_NEAR(lockstep_time(router, collective), 2 * 2e-6 + 1e-3, 1e-12);
}

// 4 nodes of 2, 80 MB: two chains of 2 with 40 MB each. Network: 2 * 40 MB at 50 GB/s = 1.6 ms.
// Scale-up: 2 * 1/2 * 80 MB at 400 GB/s, less. Latency: 2 * 2 hops of 4 us, 2 * 1 of 2 us.
TEST(TreeAllReduce, JoinsNodesByTreesAndRanksByChains) {
  topologies::Router router(
      topologies::build_cluster(testing::example_config(Topology::single_switch, 4, 2)));
  const Collective collective = all_reduce(AllReduce::tree, router, first_ranks(8), Bytes(80e6));
  EXPECT_NEAR(lockstep_time(router, collective), 1.6e-3 + 4 * 4e-6 + 2 * 2e-6, 1e-12);
  double local = 0;
  for (const auto& transfer : collective.transfers) {
    const bool inside = transfer.source / 2 == transfer.destination / 2;
    EXPECT_TRUE(inside || transfer.source % 2 == transfer.destination % 2);
    if (inside && transfer.source == 0) local += transfer.bytes.value;
  }
  EXPECT_EQ(local, 80e6);
}

// Two nodes of 2 and 1 ranks, 8 bytes: two shares of 4. The chain of the first node ends at rank 0
// with one share and at rank 1 with the other; rank 2 has a turn with both. Of two nodes each is
// the root of one half: a share crosses between them up and down.
TEST(TreeAllReduce, OnUnevenNodesTheRanksOfTheSmallerHaveMoreTurns) {
  topologies::Router router(
      topologies::build_cluster(testing::example_config(Topology::single_switch, 2, 2)));
  const Collective collective = all_reduce(AllReduce::tree, router, first_ranks(3), Bytes(8));
  std::map<std::pair<int, int>, double> sent;
  for (const auto& t : collective.transfers) sent[{t.source, t.destination}] += t.bytes.value;
  EXPECT_EQ(sent,
            (std::map<std::pair<int, int>, double>{
                {{0, 1}, 8}, {{1, 0}, 8}, {{0, 2}, 4}, {{2, 0}, 4}, {{1, 2}, 4}, {{2, 1}, 4}}));
}

// 8 ranks, chunks of 1 MB at 1 GB/s: 2 * 3 - 1 hops wait for 1 ms each.
TEST(TreeAllReduce, FillsItsPipelineHopByHop) {
  topologies::Router router(testing::example_star(std::vector<double>(8, 1e-6)));
  const Collective fine = all_reduce(AllReduce::tree, router, first_ranks(8), Bytes(64e6));
  Protocol protocol;
  protocol.chunk_bytes = Bytes(1e6);
  const Collective coarse = with_protocol(fine, protocol, router);
  EXPECT_NEAR((coarse.protocol_latency - fine.protocol_latency).value, 5e-3, 1e-12);
}

}  // namespace
}  // namespace moesim::sim
