// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/send_recv.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"
#include "tests/support/lockstep.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using topologies::Transfer;

// 1 GB/s, 2 us.
TEST(SendRecv, OneMessageTakesAlphaAndItsBytes) {
  topologies::Router router(testing::example_star({1e-6, 1e-6}));
  const Collective collective = send(1, 0, Bytes(3e6));
  EXPECT_EQ(collective.ranks, (std::vector<int>{0, 1}));
  EXPECT_NEAR(testing::lockstep_time(router, collective), 2e-6 + 3e-3, 1e-12);
}

TEST(SendRecv, EveryRankSendsToTheNext) {
  const std::vector<Bytes> sizes(3, Bytes(8));
  EXPECT_EQ(send_recv({2, 4, 6}, sizes).transfers,
            (std::vector<Transfer>{{2, 4, Bytes(8)}, {4, 6, Bytes(8)}, {6, 2, Bytes(8)}}));
}

TEST(SendRecv, RanksThatDisagreeOnTheSizeAreNamed) {
  const std::vector<Bytes> sizes{Bytes(8), Bytes(8), Bytes(6)};
  EXPECT_EQ(base::thrown_error([&] {
              (void)send_recv({2, 4, 6}, sizes);
            }).message(),
            "ranks disagree on its size: rank 6 (6 B) against 8 B of the others");
}

}  // namespace
}  // namespace moesim::sim
