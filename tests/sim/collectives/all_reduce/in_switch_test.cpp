// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "sim/collectives/all_reduce.h"
#include "tests/base/thrown_error.h"
#include "tests/support/example_cluster.h"
#include "tests/support/lockstep.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using testing::first_ranks;
using testing::lockstep_time;
using topologies::Topology;

// Nodes whose scale-up switches reduce.
topologies::Cluster nodes_that_reduce(int num_nodes, int ranks) {
  topologies::Cluster cluster =
      topologies::build_cluster(testing::example_config(Topology::single_switch, num_nodes, ranks));
  for (int v = 0; v < static_cast<int>(cluster.vertices.size()); ++v) {
    if (cluster.vertices[v].kind == topologies::VertexKind::scale_up_switch) {
      cluster.reducers.push_back(v);
    }
  }
  return cluster;
}

// 4 ranks on a switch of 1 GB/s ports, 1 us each way: 6 MB up and 6 MB down at the same time.
TEST(InSwitchAllReduce, OfAFabricSwitchCarriesTheBufferOnce) {
  topologies::Cluster star = testing::example_star(std::vector<double>(4, 1e-6));
  star.reducers = {0};
  topologies::Router router(star);
  const Collective collective =
      all_reduce(AllReduce::in_switch, router, first_ranks(4), Bytes(6e6));
  EXPECT_NEAR(lockstep_time(router, collective), 2 * 1e-6 + 6e-3, 1e-12);
}

// 8 ranks, 400 GB/s, 1 us to the switch: 80 MB * (1 + 1/8) = 90 MB each way, 225 us.
TEST(InSwitchAllReduce, OfAScaleUpSwitchCarriesEachRanksShareTwice) {
  topologies::Router router(nodes_that_reduce(1, 8));
  const Collective collective =
      all_reduce(AllReduce::in_switch, router, first_ranks(8), Bytes(80e6));
  EXPECT_NEAR(lockstep_time(router, collective), 2 * 1e-6 + 225e-6, 1e-12);
}

// A second switch on cables of its own, as near as the first, takes half.
TEST(InSwitchAllReduce, EquallyNearSwitchesShareTheBuffer) {
  topologies::Cluster star = testing::example_star(std::vector<double>(2, 1e-6));
  star.vertices.push_back({topologies::VertexKind::fabric_switch, "second"});
  const int second = static_cast<int>(star.vertices.size()) - 1;
  for (const int accelerator : star.accelerators) {
    for (const auto& [from, to] :
         {std::pair(accelerator, second), std::pair(second, accelerator)}) {
      star.links.push_back({from, to, topologies::LinkKind::fabric, base::BytesPerSecond(1e9),
                            base::Seconds(1e-6), "second cable"});
    }
  }
  star.reducers = {0, second};
  topologies::Router router(star);
  const Collective collective = all_reduce(AllReduce::in_switch, router, {0, 1}, Bytes(6e6));
  EXPECT_NEAR(lockstep_time(router, collective), 2 * 1e-6 + 3e-3, 1e-12);
}

// The group of one node uses that node's switch, whatever else reduces.
TEST(InSwitchAllReduce, PicksTheSwitchThatTheGroupReaches) {
  topologies::Router router(nodes_that_reduce(2, 4));
  const Collective collective = all_reduce(AllReduce::in_switch, router, {4, 5, 6, 7}, Bytes(1e6));
  for (const auto& transfer : collective.transfers) {
    EXPECT_EQ(std::max(transfer.source, transfer.destination), 8 + 1);  // the second reducer
  }
}

TEST(InSwitchAllReduce, WithoutAReachableSwitchIsAnErrorThatNamesTheFix) {
  topologies::Router none(testing::example_star({1e-6, 1e-6}));
  EXPECT_EQ(base::thrown_error([&] {
              (void)all_reduce(AllReduce::in_switch, none, {0, 1}, Bytes(1));
            }).message(),
            "in_switch needs a switch that reduces, and the cluster has none");
  topologies::Router apart(nodes_that_reduce(2, 2));
  const base::Error error = base::thrown_error(
      [&] { (void)all_reduce(AllReduce::in_switch, apart, first_ranks(4), Bytes(1)); });
  EXPECT_EQ(error.message(), "no switch that reduces is reachable from all 4 ranks of the group");
  EXPECT_NE(error.hint().find("hierarchical"), std::string::npos);
}

}  // namespace
}  // namespace moesim::sim
