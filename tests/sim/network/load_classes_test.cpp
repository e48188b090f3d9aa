// SPDX-License-Identifier: Apache-2.0
// classes_of of fluid.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "sim/network/channels.h"
#include "sim/network/fluid.h"
#include "tests/support/skewed_traffic.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using topologies::Topology;
using topologies::Transfer;

constexpr double kGrain = 0.05;

struct Case {
  int num_ranks = 0;
  double oversubscription = 1;
  topologies::RoutingPolicy policy = topologies::RoutingPolicy::ecmp;
  double tolerance = 0.01;
};

topologies::Cluster rail_fat_tree(const Case& on) {
  topologies::ClusterConfig config =
      testing::example_config(Topology::rail_optimized_fat_tree, on.num_ranks / 8, 8);
  config.fabric.oversubscription = on.oversubscription;
  return build_cluster(config);
}

Fluid classes_on(topologies::Router& router, const std::vector<Transfer>& transfers) {
  RouterPool routers(router, 1);
  return classes_of(routers, channels_of(router.cluster()), transfers,
                    link_loads(router, transfers), kGrain);
}

class LoadClasses : public ::testing::TestWithParam<Case> {};

// Uniform give or take half, Zipf, and one rank with eight times the rest (W2): each message by
// itself is the measure. The classes alone may be early by most of a bin, whose links they average,
// so their makespan is taken for no less than the busiest link's time, as KnownCollectives does.
TEST_P(LoadClasses, DrainAsAllMessagesDo) {
  const topologies::Cluster cluster = rail_fat_tree(GetParam());
  topologies::Router router(cluster, {GetParam().policy});
  const int n = GetParam().num_ranks;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const std::map<std::string, std::vector<Transfer>> traffics = {
        {"uniform", testing::hot_rank_all_to_all(n, 1e6, 1, seed).transfers},
        {"Zipf", testing::skewed_all_to_all(n, 1e6, seed).transfers},
        {"W2", testing::hot_rank_all_to_all(n, 1e6, 8, seed).transfers}};
    for (const auto& [name, transfers] : traffics) {
      const Fluid every = fluid_of(router, channels_of(cluster), transfers);
      const Fluid classes = classes_on(router, transfers);
      EXPECT_LE(classes.left.size(), kMostClasses) << name;
      EXPECT_LT(classes.left.size(), every.left.size() / 2) << name;
      const double expected = drain(every);
      const double found = drain(classes);
      EXPECT_NEAR(std::max(found, busiest_link(every)), expected, GetParam().tolerance * expected)
          << name << ", seed " << seed;
      EXPECT_GE(found, (1 - kGrain) * expected) << name << ", seed " << seed;
    }
  }
}

// 64 sprayed ranks, 8 nodes with a way over each spine, are few for averages: 1.6 % at worst.
INSTANTIATE_TEST_SUITE_P(RailFatTrees, LoadClasses,
                         ::testing::Values(Case{64, 1}, Case{64, 4}, Case{128, 1}, Case{128, 4},
                                           Case{64, 1, topologies::RoutingPolicy::spray, 0.02},
                                           Case{64, 4, topologies::RoutingPolicy::spray},
                                           Case{128, 1, topologies::RoutingPolicy::spray},
                                           Case{128, 4, topologies::RoutingPolicy::spray}));

// What a fluid carries over each of its links, summed: bytes x weight.
double carried(const Fluid& fluid) {
  double sum = 0;
  for (std::size_t p = 0; p < fluid.left.size(); ++p) {
    for (int i = fluid.links_of.first[p]; i < fluid.links_of.first[p + 1]; ++i) {
      sum += fluid.weights[i] * fluid.left[p];
    }
  }
  return sum;
}

TEST(LoadClassesOf, CarryTheBytesOfAllMessages) {
  for (const auto policy : {topologies::RoutingPolicy::ecmp, topologies::RoutingPolicy::spray}) {
    const topologies::Cluster cluster = rail_fat_tree({64, 4});
    topologies::Router router(cluster, {policy});
    const std::vector<Transfer> transfers = testing::skewed_all_to_all(64, 1e6, 7).transfers;
    const double expected = carried(fluid_of(router, channels_of(cluster), transfers));
    EXPECT_NEAR(carried(classes_on(router, transfers)), expected, expected * 1e-9);
  }
}

// 16 ranks of a star send 1 GB each to the next: all 32 links are alike, and all messages one
// parcel of 16 that each cross two of them. 1 s.
TEST(LoadClassesOf, EqualMessagesOverEqualLinksAreOne) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(16, 1e-6));
  topologies::Router router(star);
  std::vector<Transfer> transfers;
  for (int rank = 0; rank < 16; ++rank) transfers.push_back({rank, (rank + 1) % 16, Bytes(1e9)});
  const Fluid classes = classes_on(router, transfers);
  ASSERT_EQ(classes.left.size(), 1u);
  EXPECT_EQ(classes.left[0], 1e9);
  for (const double weight : classes.weights) EXPECT_EQ(weight, 32);
  for (const double capacity : classes.capacities) EXPECT_EQ(capacity, 32e9);
  EXPECT_DOUBLE_EQ(drain(classes), 1);
}

// Every port of a star of 128 has a load of its own kind, at bins of a ten-thousandth: more than
// 2,048 pairs of kinds, so bins are widened.
TEST(LoadClassesOf, BinsAreWidenedUntilTheClassesAreFewEnough) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(128, 0.0));
  topologies::Router router(star);
  std::vector<Transfer> transfers;
  for (int source = 0; source < 128; ++source) {
    for (int destination = 0; destination < 128; ++destination) {
      if (source == destination) continue;
      const double bytes = 1e6 * (1 + source / 128.0) * (1 + destination / 128.0);
      transfers.push_back({source, destination, Bytes(std::ceil(bytes))});
    }
  }
  const std::vector<topologies::LinkLoad> loads = link_loads(router, transfers);
  RouterPool routers(router, 1);
  const Fluid classes = classes_of(routers, channels_of(star), transfers, loads, 1e-4);
  EXPECT_LE(classes.left.size(), kMostClasses);
  EXPECT_GT(classes.left.size(), kMostClasses / 8);
  const Fluid every = fluid_of(router, channels_of(star), transfers);
  const double expected = drain(every);
  EXPECT_NEAR(std::max(drain(classes), busiest_link(every)), expected, 0.01 * expected);
}

}  // namespace
}  // namespace moesim::sim
