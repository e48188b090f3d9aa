// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "sim/collectives/all_reduce.h"
#include "tests/support/example_cluster.h"
#include "tests/support/lockstep.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using testing::first_ranks;
using topologies::Topology;

std::map<int, double> sent_by_rank(const Collective& collective) {
  std::map<int, double> sent;
  for (const auto& transfer : collective.transfers) sent[transfer.source] += transfer.bytes.value;
  return sent;
}

// Two nodes of two, 8 bytes. In the node: half the buffer out and half a buffer back, 8 bytes to
// the neighbour. Between nodes: rings of two over 4-byte shards, 2 * 1/2 * 4 = 4 bytes each way.
// Latency beyond the network's own: ring 2 * 1 - 1 = 1 step of 4 us, two local steps of 2 us.
TEST(HierarchicalAllReduce, ReducesInTheNodeFirst) {
  const auto cluster =
      topologies::build_cluster(testing::example_config(Topology::single_switch, 2, 2));
  topologies::Router router(cluster);
  const Collective collective =
      all_reduce(AllReduce::hierarchical, router, first_ranks(4), Bytes(8));
  EXPECT_EQ(sent_by_rank(collective), (std::map<int, double>{{0, 12}, {1, 12}, {2, 12}, {3, 12}}));
  for (const auto& transfer : collective.transfers) {
    const bool local = transfer.source / 2 == transfer.destination / 2;
    EXPECT_EQ(transfer.bytes.value, local ? 8 : 4);
    EXPECT_TRUE(local || transfer.source % 2 == transfer.destination % 2);
  }
  EXPECT_NEAR(collective.protocol_latency.value, 4e-6 + 2 * 2e-6, 1e-12);
}

TEST(HierarchicalAllReduce, OfOneRankPerNodeIsARing) {
  const auto cluster =
      topologies::build_cluster(testing::example_config(Topology::single_switch, 3, 2));
  topologies::Router router(cluster);
  const std::vector<int> ranks{0, 2, 4};
  const Collective tree = all_reduce(AllReduce::hierarchical, router, ranks, Bytes(9));
  const Collective ring = all_reduce(AllReduce::ring, router, ranks, Bytes(9));
  EXPECT_EQ(tree.transfers, ring.transfers);
  EXPECT_EQ(tree.protocol_latency, ring.protocol_latency);
}

// Ranks 0 to 2 in one node, 4 and 5 in the next, 8 alone in the third; 36 bytes. Local: 2/3 of 36
// to each of two, and 2/2 of 36 to the one. Round three nodes each byte goes 2 * 2/3 = 4/3 times.
// Of the thirds of the first node, the second one lies in both halves of the next: 36/3 * 4/3 = 16,
// and 8 to each half; each half 36/2 * 4/3 = 24 to who has all, which gives each third 16. A fill
// is by the largest share: the half.
TEST(HierarchicalAllReduce, OnUnevenNodesAPartGoesToThoseThatShareIt) {
  const auto cluster =
      topologies::build_cluster(testing::example_config(Topology::single_switch, 3, 4));
  topologies::Router router(cluster);
  const Collective collective =
      all_reduce(AllReduce::hierarchical, router, {0, 1, 2, 4, 5, 8}, Bytes(36));
  std::map<std::pair<int, int>, double> sent;
  for (const auto& t : collective.transfers) sent[{t.source, t.destination}] += t.bytes.value;
  const std::map<std::pair<int, int>, double> expected{
      {{0, 1}, 24}, {{0, 2}, 24}, {{1, 0}, 24}, {{1, 2}, 24}, {{2, 0}, 24}, {{2, 1}, 24},
      {{4, 5}, 36}, {{5, 4}, 36}, {{0, 4}, 16}, {{1, 4}, 8},  {{1, 5}, 8},  {{2, 5}, 16},
      {{4, 8}, 24}, {{5, 8}, 24}, {{8, 0}, 16}, {{8, 1}, 16}, {{8, 2}, 16}};
  ASSERT_EQ(sent.size(), expected.size());
  for (const auto& [ends, bytes] : expected) {
    EXPECT_NEAR(sent[ends], bytes, 1e-12) << ends.first << " to " << ends.second;
  }
  ASSERT_EQ(collective.pipeline.size(), 1u);
  EXPECT_EQ(collective.pipeline[0], (PipelineStage{{4, 5, Bytes(18)}, 2}));
}

// 4 nodes of 2, but one rank takes no part, 80 MB: its neighbour sends and receives 2 * 3/4 * 80 MB
// = 120 MB at 50 GB/s = 2.4 ms, twice what others do. Latency as with two ranks everywhere.
TEST(HierarchicalAllReduce, OnUnevenNodesTakesTheTimeOfTheSmallest) {
  topologies::Router router(
      topologies::build_cluster(testing::example_config(Topology::single_switch, 4, 2)));
  const Collective collective =
      all_reduce(AllReduce::hierarchical, router, first_ranks(7), Bytes(80e6));
  EXPECT_NEAR(testing::lockstep_time(router, collective), 2.4e-3 + 6 * 4e-6 + 2 * 2e-6, 1e-12);
}

// 4 nodes of 2, 80 MB. Network: 2 * 3/4 * 40 MB = 60 MB at 50 GB/s = 1.2 ms. Scale-up: 80 MB at 400
// GB/s, less. Latency: 2 * 3 steps of 4 us and 2 of 2 us. Chunks of 400 KB take 1 us over the
// scale-up link of 400 GB/s, and two such stages wait for one.
TEST(HierarchicalAllReduce, TakesItsClosedForm) {
  topologies::Router router(
      topologies::build_cluster(testing::example_config(Topology::single_switch, 4, 2)));
  const Collective collective =
      all_reduce(AllReduce::hierarchical, router, first_ranks(8), Bytes(80e6));
  EXPECT_NEAR(testing::lockstep_time(router, collective), 1.2e-3 + 6 * 4e-6 + 2 * 2e-6, 1e-12);
  ASSERT_EQ(collective.pipeline.size(), 1u);
  EXPECT_EQ(collective.pipeline[0], (PipelineStage{{0, 1, Bytes(40e6)}, 2}));
}

}  // namespace
}  // namespace moesim::sim
