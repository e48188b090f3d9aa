// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_reduce.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using topologies::Topology;

std::vector<int> first_ranks(int count) {
  std::vector<int> ranks;
  for (int rank = 0; rank < count; ++rank) ranks.push_back(rank);
  return ranks;
}

std::map<int, double> sent_by_rank(const Collective& collective) {
  std::map<int, double> sent;
  for (const auto& transfer : collective.transfers) sent[transfer.source] += transfer.bytes.value;
  return sent;
}

// Ring of 4 with 8 bytes: each sends 2 * 3/4 * 8 = 12 bytes to the next. Two nodes of two, so the
// slowest step goes through one switch: 4 us. 2 * 3 = 6 steps, 5 of them beyond the network's own.
TEST(AllReduce, RingSendsTwiceAllButOneShareToTheNext) {
  const auto cluster =
      topologies::build_cluster(testing::example_config(Topology::single_switch, 2, 2));
  topologies::Router router(cluster);
  const Collective collective = all_reduce(AllReduce::ring, router, first_ranks(4), Bytes(8));
  EXPECT_EQ(collective.transfers,
            (std::vector<topologies::Transfer>{
                {0, 1, Bytes(12)}, {1, 2, Bytes(12)}, {2, 3, Bytes(12)}, {3, 0, Bytes(12)}}));
  EXPECT_NEAR(collective.protocol_latency.value, 5 * 4e-6, 1e-12);
}

// Two nodes of two, 8 bytes. In the node: half the buffer out and half a buffer back, 8 bytes to
// the neighbour. Between nodes: rings of two over 4-byte shards, 2 * 1/2 * 4 = 4 bytes each way.
// Latency beyond the network's own: ring 2 * 1 - 1 = 1 step of 4 us, two local steps of 2 us.
TEST(AllReduce, HierarchicalReducesInTheNodeFirst) {
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

TEST(AllReduce, HierarchicalOfOneRankPerNodeIsARing) {
  const auto cluster =
      topologies::build_cluster(testing::example_config(Topology::single_switch, 3, 2));
  topologies::Router router(cluster);
  const std::vector<int> ranks{0, 2, 4};
  const Collective tree = all_reduce(AllReduce::hierarchical, router, ranks, Bytes(9));
  const Collective ring = all_reduce(AllReduce::ring, router, ranks, Bytes(9));
  EXPECT_EQ(tree.transfers, ring.transfers);
  EXPECT_EQ(tree.protocol_latency, ring.protocol_latency);
}

TEST(AllReduce, UnevenNodesFallBackToARing) {
  const auto cluster =
      topologies::build_cluster(testing::example_config(Topology::single_switch, 2, 2));
  topologies::Router router(cluster);
  const std::vector<int> ranks{0, 1, 2};
  EXPECT_EQ(all_reduce(AllReduce::hierarchical, router, ranks, Bytes(9)).transfers,
            all_reduce(AllReduce::ring, router, ranks, Bytes(9)).transfers);
}

TEST(AllReduce, LoneRankSendsNothing) {
  const auto cluster =
      topologies::build_cluster(testing::example_config(Topology::single_switch, 1, 2));
  topologies::Router router(cluster);
  for (const auto& [algorithm, name] : names_of(AllReduce{})) {
    const Collective collective = all_reduce(algorithm, router, {1}, Bytes(100));
    EXPECT_TRUE(collective.transfers.empty()) << name;
    EXPECT_EQ(collective.protocol_latency.value, 0) << name;
  }
}

}  // namespace
}  // namespace moesim::sim
