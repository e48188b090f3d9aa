// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/reduce_scatter.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"
#include "tests/support/lockstep.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using testing::first_ranks;

// 5 ranks: each takes in 4 partial sums of a fifth of 4 MB, whatever the algorithm.
TEST(ReduceScatter, EveryRankReceivesWhatItLacks) {
  topologies::Router router(testing::example_star(std::vector<double>(5, 1e-6)));
  const std::vector<Bytes> sizes(5, Bytes(4e6));
  for (const auto& [algorithm, name] : names_of(ReduceScatter{})) {
    std::map<int, double> received;
    for (const auto& transfer :
         reduce_scatter(algorithm, router, first_ranks(5), sizes).transfers) {
      received[transfer.destination] += transfer.bytes.value;
    }
    ASSERT_EQ(received.size(), 5u) << name;
    for (const auto& [rank, bytes] : received) EXPECT_NEAR(bytes, 4 * 4e6 / 5, 1e-6) << name;
  }
}

// The ring takes 4 steps of 2 us and a block each.
TEST(ReduceScatter, RingTakesItsClosedForm) {
  topologies::Router router(testing::example_star(std::vector<double>(5, 1e-6)));
  const std::vector<Bytes> sizes(5, Bytes(4e6));
  const Collective collective = reduce_scatter(ReduceScatter::ring, router, first_ranks(5), sizes);
  EXPECT_NEAR(testing::lockstep_time(router, collective), 4 * (2e-6 + 4e6 / 5 / 1e9), 1e-12);
}

TEST(ReduceScatter, RanksThatDisagreeOnTheSizeAreNamed) {
  topologies::Router router(testing::example_star({1e-6, 1e-6, 1e-6}));
  const std::vector<Bytes> sizes{Bytes(5), Bytes(9), Bytes(9)};
  const base::Error error = base::thrown_error(
      [&] { (void)reduce_scatter(ReduceScatter::ring, router, first_ranks(3), sizes); });
  EXPECT_EQ(error.where(), "reduce_scatter");
  EXPECT_EQ(error.message(), "ranks disagree on its size: rank 0 (5 B) against 9 B of the others");
}

}  // namespace
}  // namespace moesim::sim
