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
using testing::lockstep_time;

Collective on_star(topologies::Router& router, int n, double bytes) {
  return all_reduce(AllReduce::halving_doubling, router, first_ranks(n), Bytes(bytes));
}

// Ports of 1 GB/s, hops of 2 us: log2 n rounds out, log2 n back, S/2 + S/4 + ... = (n-1)/n S each.
TEST(HalvingDoubling, TakesItsClosedForm) {
  for (const auto& [n, log] : {std::pair(2, 1), std::pair(8, 3), std::pair(32, 5)}) {
    topologies::Router router(testing::example_star(std::vector<double>(n, 1e-6)));
    const double expected = 2 * log * 2e-6 + 2.0 * (n - 1) / n * 4e6 / 1e9;
    EXPECT_NEAR(lockstep_time(router, on_star(router, n, 4e6)), expected, expected * 1e-12) << n;
  }
}

// 6 ranks: 4 of them do it among themselves, after two were handed a buffer and before they hand
// back the sum: 2 * 2 rounds, 2 * 3/4 S, and two whole buffers.
TEST(HalvingDoubling, RanksBeyondAPowerOfTwoHandTheirBufferOver) {
  topologies::Router router(testing::example_star(std::vector<double>(6, 1e-6)));
  EXPECT_NEAR(lockstep_time(router, on_star(router, 6, 4e6)), (4 + 2) * 2e-6 + 6e-3 + 8e-3, 1e-12);
}

// Partners swap equal parts: what a rank sends in a round of exchanges it also receives.
TEST(HalvingDoubling, PartnersSwapEqualParts) {
  topologies::Router router(testing::example_star(std::vector<double>(16, 1e-6)));
  const Collective collective = on_star(router, 16, 16.0);
  ASSERT_EQ(collective.rounds.size(), 8u);
  std::size_t begin = 0;
  for (const Round& round : collective.rounds) {
    std::map<std::pair<int, int>, double> sent;
    for (std::size_t i = begin; i < round.end; ++i) {
      const auto& transfer = collective.transfers[i];
      sent[{transfer.source, transfer.destination}] = transfer.bytes.value;
    }
    EXPECT_EQ(sent.size(), 16u);
    for (const auto& [pair, bytes] : sent) EXPECT_EQ(sent.at({pair.second, pair.first}), bytes);
    begin = round.end;
  }
}

}  // namespace
}  // namespace moesim::sim
