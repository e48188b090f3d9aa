// SPDX-License-Identifier: Apache-2.0
#include "sim/execute.h"

#include <gtest/gtest.h>

#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::Seconds;

// Star of three accelerators, 1 GB/s cables, no latency.
//   rank 0: 1 s, rank 1: 3 s of computing; then rank 0 sends 2 GB to rank 1 (2 s); then rank 1
//   computes 1 s. Rank 2 computes 0.5 s on its own.
// The collective starts when rank 1 arrives, at 3 s, ends at 5 s; the step ends at 6 s.
TEST(Execute, RanksWaitWhereTheirCollectivesMakeThemWait) {
  const topologies::Cluster cluster = testing::example_star({0, 0, 0});
  topologies::Router router(cluster);
  StepGraph graph;
  graph.num_ranks = 3;
  graph.ranks = {0, 1, 2};
  const int zero = graph.add({{Phase::attention}, 0, Seconds(1), -1}, {});
  const int one = graph.add({{Phase::attention}, 1, Seconds(3), -1}, {});
  const int alone = graph.add({{Phase::attention}, 2, Seconds(0.5), -1}, {});
  Collective dispatch = testing::collective_of(2, {{0, 1, Bytes(2e9)}});
  graph.collectives.push_back(dispatch);
  const int exchange = graph.add({{Phase::dispatch}, -1, Seconds(0), 0}, {zero, one});
  const int expert = graph.add({{Phase::expert}, 1, Seconds(1), -1}, {exchange});

  const auto network = make_network(Fidelity::analytic, router);
  const Timeline timeline = execute(graph, *network);
  EXPECT_NEAR(timeline.ops[zero].end.value, 1, 1e-12);
  EXPECT_NEAR(timeline.ops[one].end.value, 3, 1e-12);
  EXPECT_NEAR(timeline.ops[alone].end.value, 0.5, 1e-12);
  EXPECT_NEAR(timeline.ops[exchange].start.value, 3, 1e-12);
  EXPECT_NEAR(timeline.ops[exchange].end.value, 5, 1e-12);
  EXPECT_NEAR(timeline.ops[expert].start.value, 5, 1e-12);
  EXPECT_NEAR(timeline.end.value, 6, 1e-12);
  ASSERT_EQ(timeline.rank_end[0].size(), 2U);
  EXPECT_NEAR(timeline.rank_end[0][1].value, 5, 1e-12);
}

TEST(Execute, AnEmptyStepTakesNoTime) {
  const topologies::Cluster cluster = testing::example_star({0});
  topologies::Router router(cluster);
  const auto network = make_network(Fidelity::analytic, router);
  EXPECT_EQ(execute(StepGraph{}, *network).end.value, 0);
}

// The clock of a used network does not start at 0; a step's own does.
TEST(Execute, CountsFromTheNetworksNow) {
  const topologies::Cluster cluster = testing::example_star({0, 0});
  topologies::Router router(cluster);
  const auto network = make_network(Fidelity::analytic, router);
  network->after(Seconds(7), [] {});
  network->run();
  StepGraph graph;
  graph.num_ranks = 2;
  graph.ranks = {0, 1};
  graph.collectives.push_back(testing::collective_of(2, {{0, 1, Bytes(1e9)}}));
  graph.add({{Phase::dispatch}, -1, Seconds(0), 0}, {});
  const Timeline timeline = execute(graph, *network);
  EXPECT_NEAR(timeline.end.value, 1, 1e-9);
  EXPECT_NEAR(timeline.rank_end[0][0].value, 1, 1e-9);
}

}  // namespace
}  // namespace moesim::sim
