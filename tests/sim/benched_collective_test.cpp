// SPDX-License-Identifier: Apache-2.0
#include "sim/benched_collective.h"

#include <gtest/gtest.h>

#include "base/named_table.h"
#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"
#include "tests/support/lockstep.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using testing::lockstep_time;

double time_of(CollectiveKind kind, const std::string& algorithm) {
  topologies::Router router(testing::example_star(std::vector<double>(4, 1e-6)));
  BenchedCollective bench;
  bench.kind = kind;
  bench.algorithm = algorithm;
  bench.ranks = testing::first_ranks(4);
  bench.size = Bytes(8e6);
  return lockstep_time(router, build(bench, router));
}

// 4 ranks, 8 MB, ports of 1 GB/s, hops of 2 us; sizes as nccl-tests count them: 2 MB for each peer
// of an all_to_all, blocks of 2 MB in all_gather and reduce_scatter, else all 8 MB.
TEST(BenchedCollective, SizesAreThoseOfNcclTests) {
  EXPECT_NEAR(time_of(CollectiveKind::all_to_all, "direct"), 2e-6 + 6e-3, 1e-12);
  EXPECT_NEAR(time_of(CollectiveKind::all_reduce, "ring"), 6 * 2e-6 + 12e-3, 1e-12);
  EXPECT_NEAR(time_of(CollectiveKind::all_gather, "ring"), 3 * 2e-6 + 6e-3, 1e-12);
  EXPECT_NEAR(time_of(CollectiveKind::reduce_scatter, "direct"), 2e-6 + 6e-3, 1e-12);
  EXPECT_NEAR(time_of(CollectiveKind::broadcast, "binomial"), 2 * (2e-6 + 8e-3), 1e-12);
  EXPECT_NEAR(time_of(CollectiveKind::send_recv, ""), 2e-6 + 8e-3, 1e-12);
}

// With ports as the only limit, busbw of the bandwidth-optimal algorithms is the port's rate.
TEST(BenchedCollective, BusFactorsMakeTheOptimumThePortsRate) {
  for (const auto& [kind, algorithm] :
       std::vector<std::pair<CollectiveKind, std::string>>{{CollectiveKind::all_to_all, "direct"},
                                                           {CollectiveKind::all_reduce, "ring"},
                                                           {CollectiveKind::all_gather, "ring"},
                                                           {CollectiveKind::reduce_scatter, "ring"},
                                                           {CollectiveKind::broadcast, "ring"},
                                                           {CollectiveKind::send_recv, ""}}) {
    const double busbw = 8e6 / time_of(kind, algorithm) * bus_factor(kind, 4);
    EXPECT_NEAR(busbw, 1e9, 3e6) << base::name_in_words(kind);  // latencies take 0.2 %
  }
}

// Every algorithm of every collective moves something, but hierarchical_dedup, which needs tokens.
TEST(BenchedCollective, EveryAlgorithmHasAName) {
  topologies::Cluster star = testing::example_star(std::vector<double>(4, 1e-6));
  star.reducers = {0};
  topologies::Router router(star);
  for (const auto& [kind, name] : names_of(CollectiveKind{})) {
    for (const std::string& algorithm : algorithms_of(kind)) {
      if (algorithm == "hierarchical_dedup") continue;
      BenchedCollective bench{kind, algorithm, testing::first_ranks(4), Bytes(64), {}, Bytes(8)};
      EXPECT_FALSE(build(bench, router).transfers.empty()) << name << " " << algorithm;
    }
  }
}

TEST(BenchedCollective, AnUnknownAlgorithmGetsTheNearest) {
  topologies::Router router(testing::example_star({1e-6, 1e-6}));
  BenchedCollective bench{CollectiveKind::all_reduce, "trees", {0, 1}, Bytes(8), {}, {}};
  const base::Error error = base::thrown_error([&] { (void)build(bench, router); });
  EXPECT_EQ(error.where(), "--algorithm");
  EXPECT_EQ(error.message(), "all_reduce has no algorithm \"trees\"");
  EXPECT_EQ(error.hint(), "did you mean \"tree\"?");
}

}  // namespace
}  // namespace moesim::sim
