// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/block_exchange.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"
#include "tests/support/lockstep.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using testing::first_ranks;

// Ports of 1 GB/s, hops of 2 us; 4 MB blocks.
TEST(BlockExchange, TakesItsClosedForms) {
  for (const int n : {2, 3, 8}) {
    topologies::Router router(testing::example_star(std::vector<double>(n, 1e-6)));
    const double ring = (n - 1) * (2e-6 + 4e-3);
    const double direct = 2e-6 + (n - 1) * 4e-3;
    EXPECT_NEAR(
        testing::lockstep_time(router, blocks_round_the_ring(router, first_ranks(n), Bytes(4e6))),
        ring, ring * 1e-12);
    EXPECT_NEAR(
        testing::lockstep_time(router, blocks_to_everyone(router, first_ranks(n), Bytes(4e6))),
        direct, direct * 1e-12);
  }
}

TEST(BlockExchange, LoneRankSendsNothing) {
  topologies::Router router(testing::example_star({1e-6}));
  for (const Collective& collective :
       {blocks_round_the_ring(router, {0}, Bytes(4)), blocks_to_everyone(router, {0}, Bytes(4))}) {
    EXPECT_TRUE(collective.transfers.empty());
    EXPECT_EQ(collective.protocol_latency.value, 0);
    EXPECT_EQ(collective.ranks, (std::vector<int>{0}));
  }
}

}  // namespace
}  // namespace moesim::sim
