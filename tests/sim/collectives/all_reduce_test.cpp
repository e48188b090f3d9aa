// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_reduce.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"
#include "tests/support/lockstep.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using testing::first_ranks;
using testing::lockstep_time;
using topologies::Topology;

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

// n ranks on a switch with ports of 1 GB/s and hops of 2 us: 2(n-1) steps of S/n each.
TEST(AllReduce, RingTakesItsClosedForm) {
  const double bytes = 3e6;
  for (const int n : {2, 3, 8, 13}) {
    topologies::Router router(testing::example_star(std::vector<double>(n, 1e-6)));
    const Collective collective = all_reduce(AllReduce::ring, router, first_ranks(n), Bytes(bytes));
    const double expected = 2.0 * (n - 1) * (2e-6 + bytes / n / 1e9);
    EXPECT_NEAR(lockstep_time(router, collective), expected, expected * 1e-12) << n;
  }
}

// Whatever the algorithm, the 16 ranks of a group do not notice 48 more beside them.
TEST(AllReduce, IsTheSameInsideAMachineFourTimesLarger) {
  for (const auto& [algorithm, name] : names_of(AllReduce{})) {
    if (algorithm == AllReduce::in_switch) continue;  // one node's alone
    std::vector<double> times;
    for (const int nodes : {4, 16}) {
      topologies::Router router(
          topologies::build_cluster(testing::example_config(Topology::single_switch, nodes, 4)));
      times.push_back(
          lockstep_time(router, all_reduce(algorithm, router, first_ranks(16), Bytes(1e7))));
    }
    EXPECT_EQ(times[0], times[1]) << name;
    EXPECT_GT(times[0], 0) << name;
  }
}

TEST(AllReduce, RanksThatDisagreeOnTheSizeAreNamed) {
  topologies::Router router(testing::example_star({1e-6, 1e-6, 1e-6}));
  const std::vector<Bytes> sizes{Bytes(8e6), Bytes(8e6), Bytes(4e6)};
  const base::Error error =
      base::thrown_error([&] { (void)all_reduce(AllReduce::ring, router, first_ranks(3), sizes); });
  EXPECT_EQ(error.where(), "all_reduce");
  EXPECT_EQ(error.message(),
            "ranks disagree on its size: rank 2 (4 MB) against 8 MB of the others");
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
