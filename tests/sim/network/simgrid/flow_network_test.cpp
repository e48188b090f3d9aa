// SPDX-License-Identifier: Apache-2.0
#include "sim/network/simgrid/flow_network.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/network/simgrid/collective_network.h"
#include "tests/support/example_cluster.h"
#include "tests/support/in_child_process.h"
#include "tests/support/max_min_solver.h"
#include "tests/support/skewed_traffic.h"

namespace moesim::sim {
namespace {

using testing::collective_of;
using testing::example_config;
using testing::in_child_process;
using topologies::Topology;

// Runs one collective alone and returns its end, then its ranks' ends.
std::vector<double> run_alone(Fidelity fidelity, const topologies::Cluster& cluster,
                              const Collective& collective) {
  return in_child_process([&] {
    topologies::Router router(cluster);
    const auto network = make_network(fidelity, router);
    std::vector<double> times;
    network->start(collective, [&](const CollectiveEnd& end) {
      times.push_back(end.end.value);
      for (const base::Seconds rank : end.rank_end) times.push_back(rank.value);
    });
    network->run();
    return times;
  });
}

// Routes of 2 and 6 us (1 + 1 and 5 + 1) meet on gpu2's port of 1 GB/s. 1 GB each: both need 2 s.
// SimGrid's own weights, 1 / latency, would give them 3 : 1 and ends of 1.33 and 2 s.
TEST(FlowNetwork, LatencyDoesNotChangeTheShareOfALink) {
  const topologies::Cluster star = testing::example_star({1e-6, 5e-6, 1e-6});
  const std::vector<double> ends = run_alone(
      Fidelity::flow, star, collective_of(3, {{0, 2, base::Bytes(1e9)}, {1, 2, base::Bytes(1e9)}}));
  ASSERT_EQ(ends.size(), 4u);
  EXPECT_NEAR(ends[1], 2.0, 1e-5);
  EXPECT_NEAR(ends[2], 2.0, 1e-5);
  EXPECT_NEAR(ends[0], 2.0, 1e-5);
}

// 0 -> 1 of 1 MB and 2 -> 3 of 3 MB at 1 GB/s, 2 us away: ranks 0 and 1 are done after 1.002 ms,
// ranks 2 and 3 after 3.002 ms, and rank 4, which has nothing to do, after the protocol's 0 s.
TEST(FlowNetwork, EachRankEndsWithItsLastMessage) {
  const topologies::Cluster star = testing::example_star(std::vector<double>(5, 1e-6));
  const std::vector<double> ends = run_alone(
      Fidelity::flow, star, collective_of(5, {{0, 1, base::Bytes(1e6)}, {2, 3, base::Bytes(3e6)}}));
  const std::vector<double> expected = {3.002e-3, 1.002e-3, 1.002e-3, 3.002e-3, 3.002e-3, 0};
  ASSERT_EQ(ends.size(), expected.size());
  for (std::size_t i = 0; i < ends.size(); ++i) EXPECT_NEAR(ends[i], expected[i], 1e-9);
}

// Two messages of 1 us on routes of 2 us and 2.0005 us, which share nothing, end 0.5 ns apart. At
// SimGrid's default precision of 1 ns the second would start with the first, before its floor.
TEST(FlowNetwork, LatenciesLessThanANanosecondApartStayApart) {
  const topologies::Cluster star = testing::example_star({1e-6, 1e-6, 1e-6, 1.0005e-6});
  const std::vector<double> ends =
      run_alone(Fidelity::flow, star,
                collective_of(4, {{0, 1, base::Bytes(1000)}, {2, 3, base::Bytes(1000)}}));
  ASSERT_EQ(ends.size(), 5u);
  EXPECT_NEAR(ends[2], 3e-6, 1e-15);
  EXPECT_NEAR(ends[4], 3.0005e-6, 1e-15);
}

// 992 messages of a skewed all-to-all among 32 ranks: each message's end, against progressive
// filling that knows nothing of SimGrid, within 0.01 % of the whole.
TEST(FlowNetwork, EveryMessageEndsWhenTheMaxMinSolverSays) {
  const topologies::Cluster cluster =
      build_cluster(example_config(Topology::rail_optimized_fat_tree, 8, 4));
  const Collective traffic = testing::skewed_all_to_all(32, 1e6, 2);
  topologies::Router router(cluster);
  std::vector<double> capacities;
  for (const topologies::Link& link : cluster.links) capacities.push_back(link.bandwidth.value);
  std::vector<testing::Flow> flows;
  for (const topologies::Transfer& transfer : traffic.transfers) {
    const auto route = router.route(transfer.source, transfer.destination);
    flows.push_back({{route.begin(), route.end()},
                     transfer.bytes.value,
                     router.latency(transfer.source, transfer.destination).value});
  }
  const std::vector<double> expected = testing::max_min_ends(capacities, flows);
  const std::vector<double> ends = in_child_process([&] {
    const auto network = make_flow_network(router, {});
    std::vector<double> times(traffic.transfers.size());
    for (std::size_t i = 0; i < times.size(); ++i) {
      network->start(collective_of(32, {traffic.transfers[i]}),
                     [&times, i](const CollectiveEnd& end) { times[i] = end.end.value; });
    }
    network->run();
    return times;
  });
  ASSERT_EQ(ends.size(), expected.size());
  const double whole = *std::max_element(expected.begin(), expected.end());
  for (std::size_t i = 0; i < ends.size(); ++i) EXPECT_NEAR(ends[i], expected[i], whole * 1e-4);
}

class BothTopologies : public ::testing::TestWithParam<Topology> {};

// 64 ranks, Zipf: the busiest link is busy all the time, so lock-step and messages end together,
// and neither ends before the floor.
TEST_P(BothTopologies, CollectiveAndFlowAgreeOnSkewedTraffic) {
  const topologies::Cluster cluster = build_cluster(example_config(GetParam(), 8, 8));
  const Collective traffic = testing::skewed_all_to_all(64, 1e6, 1);
  topologies::Router router(cluster);
  const double floor = floor_of(router, traffic).value;
  const double flow = run_alone(Fidelity::flow, cluster, traffic).front();
  const double collective = run_alone(Fidelity::collective, cluster, traffic).front();
  EXPECT_GE(flow, floor);
  EXPECT_GE(collective, floor);
  EXPECT_NEAR(collective, flow, flow * 0.01);
}

INSTANTIATE_TEST_SUITE_P(Topologies, BothTopologies,
                         ::testing::Values(Topology::single_switch,
                                           Topology::rail_optimized_fat_tree));

// 2.4 ms by hand and 5 us of latency, at both.
TEST(FlowNetwork, AgreesWithCollectiveOnAHotNicBehindThinUplinks) {
  const topologies::Cluster cluster = build_cluster(testing::thin_uplinks());
  for (const Fidelity fidelity : {Fidelity::flow, Fidelity::collective}) {
    const auto ends = run_alone(fidelity, cluster, testing::hot_nic_behind_thin_uplinks());
    EXPECT_NEAR(ends.front(), 2.405e-3, 2.4e-9);
  }
}

// 64 ranks, one of them hot, on uplinks of a quarter of the NICs' bandwidth: the busiest link waits
// for others, and the collective ends more than 2 % after its floor.
TEST(FlowNetwork, AgreesWithCollectiveWhereTheFabricIsOversubscribed) {
  topologies::ClusterConfig config = example_config(Topology::rail_optimized_fat_tree, 8, 8);
  config.fabric.nodes_per_leaf = 8;
  config.fabric.oversubscription = 4;
  const topologies::Cluster cluster = build_cluster(config);
  const Collective traffic = testing::hot_rank_all_to_all(64, 1e6, 8, 1);
  topologies::Router router(cluster);
  const double flow = run_alone(Fidelity::flow, cluster, traffic).front();
  const double collective = run_alone(Fidelity::collective, cluster, traffic).front();
  EXPECT_GT(flow, floor_of(router, traffic).value * 1.02);
  EXPECT_NEAR(collective, flow, flow * 0.01);
}

}  // namespace
}  // namespace moesim::sim
