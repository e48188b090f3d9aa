// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/collective_network.h"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>

#include "tests/support/example_cluster.h"
#include "tests/support/in_child_process.h"
#include "tests/support/skewed_traffic.h"

namespace moesim::sim {
namespace {

using testing::collective_of;
using testing::example_config;
using testing::in_child_process;
using topologies::Topology;

// 32,769 accelerators on a star have 65,538 links, more than the solver's recursion can take.
TEST(CollectiveNetwork, AClusterTooLargeForTheSolverIsAnError) {
  const auto too_large = [] {
    const topologies::Cluster star = testing::example_star(std::vector<double>(32769, 0.0));
    topologies::Router router(star);
    make_collective_network(router, {});
    return std::vector<double>{};
  };
  try {
    in_child_process(too_large);
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("65538 links"), std::string::npos) << error.what();
  }
}

// Where fair sharing keeps the busiest link busy, a collective alone ends exactly at its floor,
// whatever its latencies.
TEST(CollectiveNetwork, ACollectiveAloneEndsAtItsFloor) {
  const topologies::Cluster cluster =
      build_cluster(example_config(Topology::rail_optimized_fat_tree, 8, 8));
  Collective traffic = testing::skewed_all_to_all(64, 1e5, 11);
  traffic.protocol_latency = base::Seconds(3e-6);
  topologies::Router router(cluster);
  const double floor = floor_of(router, traffic).value;
  const std::vector<double> ends = in_child_process([&] {
    std::vector<double> times;
    const auto network = make_collective_network(router, {});
    network->start(traffic, [&](const CollectiveEnd& end) {
      times.push_back(end.end.value);
      for (const base::Seconds rank : end.rank_end) times.push_back(rank.value);
    });
    network->run();
    return times;
  });
  ASSERT_EQ(ends.size(), 65u);
  for (const double end : ends) EXPECT_NEAR(end, floor, floor * 1e-9);
}

// 2.4 ms by hand, and latencies of 4 us + 1 us between pods. One after another, more often than
// there are ranks: a task gives its pace link back.
TEST(CollectiveNetwork, WhereTheBusiestLinkIsNotKeptBusyACollectiveTakesTheFairTime) {
  const topologies::Cluster cluster = build_cluster(testing::thin_uplinks());
  const std::vector<double> ends = in_child_process([&] {
    topologies::Router router(cluster);
    const auto network = make_collective_network(router, {});
    std::vector<double> times;
    std::function<void(const CollectiveEnd&)> next = [&](const CollectiveEnd& end) {
      times.push_back(end.end.value);
      if (times.size() < 20) network->start(testing::hot_nic_behind_thin_uplinks(), next);
    };
    network->start(testing::hot_nic_behind_thin_uplinks(), next);
    network->run();
    return times;
  });
  ASSERT_EQ(ends.size(), 20u);
  for (int i = 0; i < 20; ++i) EXPECT_NEAR(ends[i], (i + 1) * 2.405e-3, (i + 1) * 2.4e-9);
}

// Two of them at once share rank 8's NIC, 200 MB at 50 GB/s: 4 ms, which leaves each enough time
// for its pace.
TEST(CollectiveNetwork, OverlappingTasksWithAPaceShareTheirLinks) {
  const topologies::Cluster cluster = build_cluster(testing::thin_uplinks());
  const std::vector<double> ends = in_child_process([&] {
    topologies::Router router(cluster);
    const auto network = make_collective_network(router, {});
    std::vector<double> times;
    for (int i = 0; i < 2; ++i) {
      network->start(testing::hot_nic_behind_thin_uplinks(),
                     [&](const CollectiveEnd& end) { times.push_back(end.end.value); });
    }
    network->run();
    return times;
  });
  ASSERT_EQ(ends.size(), 2u);
  for (const double end : ends) EXPECT_NEAR(end, 4.005e-3, 4e-9);
}

// Four equal collectives over the same links take four times as long as one's bytes, 1 MB at
// 1 GB/s.
TEST(CollectiveNetwork, FourAtOnceTakeFourTimesAsLong) {
  const std::vector<double> ends = in_child_process([] {
    const topologies::Cluster star = testing::example_star({0, 0, 0, 0});
    topologies::Router router(star);
    const auto network = make_collective_network(router, {});
    std::vector<double> times;
    for (int i = 0; i < 4; ++i) {
      network->start(collective_of(4, {{0, 1, base::Bytes(1e6)}, {2, 3, base::Bytes(1e6)}}),
                     [&](const CollectiveEnd& end) { times.push_back(end.end.value); });
    }
    network->run();
    return times;
  });
  ASSERT_EQ(ends.size(), 4u);
  for (const double end : ends) EXPECT_NEAR(end, 4e-3, 4e-9);
}

// Ends that fall together are told in the order of the starts.
TEST(CollectiveNetwork, EqualEndsComeInTheOrderOfTheStarts) {
  const std::vector<double> order = in_child_process([] {
    const topologies::Cluster star = testing::example_star(std::vector<double>(16, 0.0));
    topologies::Router router(star);
    const auto network = make_collective_network(router, {});
    std::vector<double> seen;
    for (int i = 0; i < 8; ++i) {
      network->start(collective_of(16, {{i, 15 - i, base::Bytes(1e6)}}),
                     [&seen, i](const CollectiveEnd&) { seen.push_back(i); });
    }
    network->run();
    return seen;
  });
  EXPECT_EQ(order, (std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7}));
}

}  // namespace
}  // namespace moesim::sim
