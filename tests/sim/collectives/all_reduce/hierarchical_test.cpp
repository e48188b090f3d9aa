// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <map>

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

TEST(HierarchicalAllReduce, UnevenNodesFallBackToARing) {
  const auto cluster =
      topologies::build_cluster(testing::example_config(Topology::single_switch, 2, 2));
  topologies::Router router(cluster);
  const std::vector<int> ranks{0, 1, 2};
  EXPECT_EQ(all_reduce(AllReduce::hierarchical, router, ranks, Bytes(9)).transfers,
            all_reduce(AllReduce::ring, router, ranks, Bytes(9)).transfers);
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
