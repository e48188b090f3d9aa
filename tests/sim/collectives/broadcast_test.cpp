// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/broadcast.h"

#include <gtest/gtest.h>

#include <set>

#include "sim/collectives/protocol.h"
#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"
#include "tests/support/lockstep.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using testing::first_ranks;

Collective on_star(Broadcast algorithm, topologies::Router& router, int n, double bytes) {
  const std::vector<Bytes> sizes(static_cast<std::size_t>(n), Bytes(bytes));
  return broadcast(algorithm, router, first_ranks(n), sizes);
}

// Ports of 1 GB/s, hops of 2 us, 4 MB: the chain n-1 hops and the buffer once, the tree ceil(log2
// n) hops with the whole buffer each.
TEST(Broadcast, TakesItsClosedForms) {
  for (const auto& [n, rounds] : {std::pair(2, 1), std::pair(5, 3), std::pair(8, 3)}) {
    topologies::Router router(testing::example_star(std::vector<double>(n, 1e-6)));
    EXPECT_NEAR(testing::lockstep_time(router, on_star(Broadcast::ring, router, n, 4e6)),
                (n - 1) * 2e-6 + 4e-3, 1e-12);
    EXPECT_NEAR(testing::lockstep_time(router, on_star(Broadcast::binomial, router, n, 4e6)),
                rounds * (2e-6 + 4e-3), 1e-12);
  }
}

// Only who has the buffer sends it, and every rank but the root gets it once.
TEST(Broadcast, EveryRankGetsTheBufferOnceFromOneThatHasIt) {
  topologies::Router router(testing::example_star(std::vector<double>(11, 1e-6)));
  for (const auto& [algorithm, name] : names_of(Broadcast{})) {
    const Collective collective = on_star(algorithm, router, 11, 8);
    std::set<int> holders{0};
    for (const auto& transfer : collective.transfers) {
      EXPECT_TRUE(holders.contains(transfer.source)) << name;
      EXPECT_TRUE(holders.insert(transfer.destination).second) << name;
      EXPECT_EQ(transfer.bytes.value, 8) << name;
    }
    EXPECT_EQ(holders.size(), 11u) << name;
  }
}

// 4 ranks, chunks of 1 MB: two hops beyond the network's own wait for 1 ms each; a buffer smaller
// than the chunk waits for itself.
TEST(Broadcast, ChainFillsHopByHop) {
  topologies::Router router(testing::example_star(std::vector<double>(4, 1e-6)));
  Protocol protocol;
  protocol.chunk_bytes = Bytes(1e6);
  for (const auto& [bytes, filling] : {std::pair(4e6, 2e-3), std::pair(3e5, 6e-4)}) {
    const Collective fine = on_star(Broadcast::ring, router, 4, bytes);
    const Collective coarse = with_protocol(fine, protocol, router);
    EXPECT_NEAR((coarse.protocol_latency - fine.protocol_latency).value, filling, 1e-12);
  }
}

TEST(Broadcast, RanksThatDisagreeOnTheSizeAreNamed) {
  topologies::Router router(testing::example_star({1e-6, 1e-6, 1e-6}));
  const std::vector<Bytes> sizes{Bytes(9), Bytes(5), Bytes(9)};
  EXPECT_EQ(base::thrown_error([&] {
              (void)broadcast(Broadcast::ring, router, first_ranks(3), sizes);
            }).message(),
            "ranks disagree on its size: rank 1 (5 B) against 9 B of the others");
}

}  // namespace
}  // namespace moesim::sim
