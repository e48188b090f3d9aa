// SPDX-License-Identifier: Apache-2.0
#include "sim/network/known_collectives.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/network/collective_load.h"
#include "tests/support/example_cluster.h"
#include "tests/support/max_min_solver.h"
#include "tests/support/skewed_traffic.h"

namespace moesim::sim {
namespace {

using testing::collective_of;
using testing::example_config;
using topologies::Topology;

double makespan(const topologies::Cluster& cluster, const Collective& collective) {
  topologies::Router router(cluster);
  return KnownCollectives(router).of(collective)->carrying.value;
}

// From first principles, message by message.
double max_min_makespan(const topologies::Cluster& cluster, const Collective& collective) {
  topologies::Router router(cluster);
  std::vector<double> capacities;
  for (const topologies::Link& link : cluster.links) capacities.push_back(link.bandwidth.value);
  std::vector<testing::Flow> flows;
  for (const topologies::Transfer& transfer : collective.transfers) {
    const auto route = router.route(transfer.source, transfer.destination);
    flows.push_back({{route.begin(), route.end()}, transfer.bytes.value, 0});
  }
  const std::vector<double> ends = testing::max_min_ends(capacities, flows);
  return *std::max_element(ends.begin(), ends.end());
}

TEST(KnownCollectives, NothingToCarryTakesNoTime) {
  const topologies::Cluster star = testing::example_star({0, 0});
  EXPECT_EQ(makespan(star, collective_of(2, {})), 0);
  EXPECT_EQ(makespan(star, collective_of(2, {{0, 1, base::Bytes(0)}, {1, 1, base::Bytes(5)}})), 0);
}

// 1 and 2 GB share gpu2's port of 1 GB/s until 2 s; then the second has 1 GB left and the port to
// itself: 3 s, and so long the port is busy.
TEST(KnownCollectives, TheLongerOfTwoGoesOnAlone) {
  const topologies::Cluster star = testing::example_star({1e-6, 1e-6, 1e-6});
  EXPECT_NEAR(
      makespan(star, collective_of(3, {{0, 2, base::Bytes(1e9)}, {1, 2, base::Bytes(2e9)}})), 3,
      3e-12);
}

// gpu2 gets 1 GB from gpu0 and from gpu1, which both send 0.4 GB to two others. At first each
// source's port is shared by three: gpu2's takes in 2/3 GB/s until the small ones end at 1.2 s.
// 0.6 GB of each large one is left, at 1/2 GB/s each: 2.4 s, while the busiest port needs 2 s.
TEST(KnownCollectives, AHotPortFedByBusyOnesIsDrainedLate) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(7, 1e-6));
  std::vector<topologies::Transfer> transfers;
  for (const int source : {0, 1}) {
    transfers.push_back({source, 2, base::Bytes(1e9)});
    transfers.push_back({source, 3 + 2 * source, base::Bytes(0.4e9)});
    transfers.push_back({source, 4 + 2 * source, base::Bytes(0.4e9)});
  }
  EXPECT_NEAR(makespan(star, collective_of(7, transfers)), 2.4, 2.4e-12);
}

// The same with uplinks in the place of ports, see hot_nic_behind_thin_uplinks: 2.4 ms.
TEST(KnownCollectives, AHotNicBehindThinUplinksIsDrainedLate) {
  const topologies::Cluster cluster = build_cluster(testing::thin_uplinks());
  EXPECT_NEAR(makespan(cluster, testing::hot_nic_behind_thin_uplinks()), 2.4e-3, 2.4e-15);
}

TEST(KnownCollectives, EqualTransfersHaveEqualAnswersAndOthersTheirOwn) {
  const topologies::Cluster star = testing::example_star({0, 0});
  topologies::Router router(star);
  KnownCollectives known(router);
  for (int repeat = 0; repeat < 2; ++repeat) {
    EXPECT_EQ(known.of(collective_of(2, {{0, 1, base::Bytes(1e9)}}))->carrying.value, 1);
    EXPECT_EQ(known.of(collective_of(2, {{0, 1, base::Bytes(2e9)}}))->carrying.value, 2);
  }
}

// 992 messages among 32 ranks of one pod, Zipf and with a hot rank. Where the uplinks are thin,
// some end more than 2 % later than their busiest link asks for.
TEST(KnownCollectives, IsWithinOnePercentOfEveryMessageByItself) {
  int late = 0;
  for (const double oversubscription : {1.0, 2.0, 4.0}) {
    topologies::ClusterConfig config = example_config(Topology::rail_optimized_fat_tree, 8, 4);
    config.fabric.nodes_per_leaf = 8;
    config.fabric.oversubscription = oversubscription;
    const topologies::Cluster cluster = build_cluster(config);
    topologies::Router router(cluster);
    for (const Collective& traffic :
         {testing::skewed_all_to_all(32, 1e6, 1), testing::hot_rank_all_to_all(32, 1e6, 3, 1),
          testing::hot_rank_all_to_all(32, 1e6, 6, 2)}) {
      const double expected = max_min_makespan(cluster, traffic);
      EXPECT_NEAR(makespan(cluster, traffic), expected, 0.01 * expected)
          << "oversubscription " << oversubscription;
      if (expected > 1.02 * load_of(router, traffic).busiest_link.value) ++late;
    }
  }
  EXPECT_GE(late, 2);
}

// 64 ranks that each send to 8 others, drawn anew for each seed.
TEST(KnownCollectives, LiesBetweenTheBusiestLinkAndAMessagesLinksOneByOne) {
  topologies::ClusterConfig config = example_config(Topology::rail_optimized_fat_tree, 8, 8);
  config.fabric.oversubscription = 4;
  const topologies::Cluster cluster = build_cluster(config);
  topologies::Router router(cluster);
  KnownCollectives known(router);
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    base::Rng rng(seed, "fair_makespan");
    std::vector<topologies::Transfer> transfers;
    for (int i = 0; i < 512; ++i) {
      const int source = i / 8;
      const int away = 1 + static_cast<int>(rng.below(63));
      transfers.push_back({source, (source + away) % 64, base::Bytes(1 + 1e7 * rng.uniform())});
    }
    const Collective traffic = collective_of(64, transfers);
    std::vector<double> times(cluster.links.size(), 0.0);
    for (const topologies::LinkLoad& load : link_loads(router, transfers)) {
      times[load.link] = (load.bytes / cluster.links[load.link].bandwidth).value;
    }
    double one_by_one = 0;
    for (const topologies::Transfer& transfer : transfers) {
      double sum = 0;
      for (const int link : router.route(transfer.source, transfer.destination)) {
        sum += times[link];
      }
      one_by_one = std::max(one_by_one, sum);
    }
    const double found = known.of(traffic)->carrying.value;
    EXPECT_GE(found, *std::max_element(times.begin(), times.end()) * (1 - 1e-12));
    EXPECT_LE(found, one_by_one);
  }
}

// 64 ranks, many-to-one: exact where the answer is the busiest link's time, however many steps.
TEST(KnownCollectives, ABusyLinkIsBusyToTheEnd) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(65, 0.0));
  std::vector<topologies::Transfer> transfers;
  double sum = 0;
  for (int source = 0; source < 64; ++source) {
    for (int part = 0; part < 2; ++part) {
      transfers.push_back({source, 64, base::Bytes(1e6 * (1 + source + 64 * part))});
      sum += transfers.back().bytes.value;
    }
  }
  EXPECT_NEAR(makespan(star, collective_of(65, transfers)), sum / 1e9, 1e-12 * sum / 1e9);
}

}  // namespace
}  // namespace moesim::sim
