// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/handling.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

class Handling : public ::testing::Test {
 protected:
  double latency() { return handling_latency(collective_, protocol_, router_).value; }

  // 4 MB through a port of 1 GB/s: 4 ms.
  topologies::Router router_{moesim::testing::example_star({0, 0})};
  Collective collective_ = moesim::testing::collective_of(2, {{0, 1, base::Bytes(4e6)}});
  Protocol protocol_;
};

TEST_F(Handling, AnIdealLibraryAddsNothing) {
  collective_.rows = {1000, base::Bytes(7392), true};
  EXPECT_EQ(latency(), 0);
}

// 1,000 tokens, 0.4 us each, shared out among 20 multiprocessors: 20 us.
TEST_F(Handling, MultiprocessorsShareTheTokensOut) {
  collective_.rows = {1000, base::Bytes(7392), false};
  protocol_.row_latency = base::Seconds(0.4e-6);
  protocol_.comm_sms = 20;
  EXPECT_DOUBLE_EQ(latency(), 20e-6);
}

// 14,336 bytes at 0.7168 GB/s: 20 us, and only where rows are summed.
TEST_F(Handling, OnlyACombineSums) {
  collective_.rows = {1000, base::Bytes(14336), false};
  protocol_.sum_bandwidth = base::BytesPerSecond(0.7168e9);
  EXPECT_EQ(latency(), 0);
  collective_.rows.summed = true;
  EXPECT_DOUBLE_EQ(latency(), 20e-6);
}

// 2 sqrt(10 us 4 ms) = 0.4 ms. By hand: n = sqrt(4 ms / 10 us) = 20 chunks of 0.2 ms and 10 us take
// 21 * 0.21 ms = 4.41 ms, which is 4 ms, 0.4 ms and one overhead.
TEST_F(Handling, ChunksCostTheRootOfTheirOverheadAndTheTime) {
  protocol_.chunk_overhead = base::Seconds(10e-6);
  EXPECT_DOUBLE_EQ(latency(), 0.4e-3);
}

TEST_F(Handling, ALibraryPaysThemOnceAndNotForNothing) {
  protocol_.chunk_overhead = base::Seconds(10e-6);
  protocol_.kernel_latency = base::Seconds(5e-6);
  EXPECT_DOUBLE_EQ(with_protocol(collective_, protocol_, router_).protocol_latency.value, 0.405e-3);
  const Collective empty = moesim::testing::collective_of(2, {{0, 0, base::Bytes(4e6)}});
  EXPECT_EQ(with_protocol(empty, protocol_, router_).protocol_latency.value, 0);
}

// Only the scale-up links' latencies are those that a kernel sees.
TEST(AchievedLatency, AKernelSeesAShareOfTheScaleUpLinks) {
  const topologies::Cluster cluster = topologies::build_cluster(
      moesim::testing::example_config(topologies::Topology::single_switch, 2, 2));
  Protocol protocol;
  protocol.scale_up_latency_share = 0.25;
  topologies::Router before(cluster);
  topologies::Router after(achieved(cluster, protocol));
  EXPECT_DOUBLE_EQ(after.latency(0, 1).value, 0.25 * before.latency(0, 1).value);
  EXPECT_DOUBLE_EQ(after.latency(0, 2).value, before.latency(0, 2).value);
}

}  // namespace
}  // namespace moesim::sim
