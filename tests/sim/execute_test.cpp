// SPDX-License-Identifier: Apache-2.0
#include "sim/execute.h"

#include <gtest/gtest.h>

#include <algorithm>

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

// Rank `source` computes 1 s and sends 1 GB to rank `destination`.
StepGraph compute_and_send(int source, int destination) {
  StepGraph graph;
  graph.num_ranks = 4;
  graph.ranks = {source, destination};
  const int compute = graph.add({{Phase::attention}, source, Seconds(1), -1}, {});
  Collective send = testing::collective_of(0, {{source, destination, Bytes(1e9)}});
  send.ranks = graph.ranks;
  graph.collectives.push_back(send);
  graph.add({{Phase::dispatch}, -1, Seconds(0), 0}, {compute});
  return graph;
}

// The second starts 5 s later; each timeline counts from its own graph's start. Cables of 1 GB/s:
// 1 s of computing, 1 s on the wire.
TEST(Execute, SeveralGraphsCountFromTheirOwnStarts) {
  const topologies::Cluster cluster = testing::example_star({0, 0, 0, 0});
  topologies::Router router(cluster);
  const auto network = make_network(Fidelity::analytic, router);
  const StepGraph first = compute_and_send(0, 1);
  const StepGraph second = compute_and_send(2, 3);
  const std::vector<TimedGraph> graphs = {{&first, Seconds(0)}, {&second, Seconds(5)}};
  int most_done = 0;
  const std::vector<Timeline> timelines =
      execute(graphs, *network,
              {.progress = [&](int done, int) { most_done = std::max(most_done, done); }});
  ASSERT_EQ(timelines.size(), 2U);
  for (const Timeline& timeline : timelines) {
    EXPECT_NEAR(timeline.ops[0].start.value, 0, 1e-12);
    EXPECT_NEAR(timeline.ops[1].start.value, 1, 1e-12);
    EXPECT_NEAR(timeline.end.value, 2, 1e-12);
    EXPECT_NEAR(timeline.rank_end[0][1].value, 2, 1e-12);
  }
  EXPECT_NEAR(network->now().value, 7, 1e-12);
  EXPECT_EQ(most_done, 0) << "four operations are too few to be told of";
}

// Rank 0 computes at half speed until 0.5 s: 0.25 s of its work is done
// by then, the rest at 1.25 s.
TEST(Execute, AStragglerArrivesLaterAtItsCollective) {
  const topologies::Cluster cluster = testing::example_star({0, 0, 0, 0});
  topologies::Router router(cluster);
  const auto network = make_network(Fidelity::analytic, router);
  ComputeSpeed speed;
  speed.slow(0, Seconds(0), Seconds(0.5), 0.5);
  const Timeline timeline = execute(compute_and_send(0, 1), *network, {.speed = &speed});
  EXPECT_NEAR(timeline.ops[0].end.value, 1.25, 1e-12);
  EXPECT_NEAR(timeline.end.value, 2.25, 1e-12);
}

// Slowdowns are in the network's time, not in the graph's: rank 2 starts at 5 s and is slow from
// 5.5 s on, so of its 1 s of work the second half takes 1 s.
TEST(Execute, SlowdownsAreInTheNetworksTime) {
  const topologies::Cluster cluster = testing::example_star({0, 0, 0, 0});
  topologies::Router router(cluster);
  const auto network = make_network(Fidelity::analytic, router);
  ComputeSpeed speed;
  speed.slow(2, Seconds(5.5), Seconds(100), 0.5);
  const StepGraph late = compute_and_send(2, 3);
  const std::vector<TimedGraph> graphs = {{&late, Seconds(5)}};
  const Timeline timeline = execute(graphs, *network, {.speed = &speed}).front();
  EXPECT_NEAR(timeline.ops[0].end.value, 1.5, 1e-12);
}

}  // namespace
}  // namespace moesim::sim
