// SPDX-License-Identifier: Apache-2.0
#include "sim/report/waiting.h"

#include <gtest/gtest.h>

#include "sim/execute.h"
#include "tests/support/example_cluster.h"

namespace moesim::sim {
namespace {

using base::Seconds;

// Two ranks. Rank 0 computes attention 0..1, rank 1 attention 0..3; both dispatch 3..5, where rank
// 0's own traffic ends at 4; experts: rank 0 5..6, rank 1 5..9, of which a fault makes 2 of 4. The
// step ends at 9.
struct Example {
  StepGraph graph;
  Timeline timeline;

  Example() {
    graph.num_ranks = 2;
    graph.ranks = {0, 1};
    const int a0 = graph.add({{Phase::attention}, 0, Seconds(1), -1}, {});
    const int a1 = graph.add({{Phase::attention}, 1, Seconds(3), -1}, {});
    const int d = graph.add({{Phase::dispatch}, -1, Seconds(0), 0}, {a0, a1});
    graph.add({{Phase::expert}, 0, Seconds(1), -1}, {d});
    graph.add({{Phase::expert}, 1, Seconds(2), -1}, {d});
    graph.collectives.push_back({"dispatch", {0, 1}, {}, Seconds(0)});
    timeline.ops = {{Seconds(0), Seconds(1)},
                    {Seconds(0), Seconds(3)},
                    {Seconds(3), Seconds(5)},
                    {Seconds(5), Seconds(6)},
                    {Seconds(5), Seconds(9)}};
    timeline.rank_end = {{Seconds(4), Seconds(5)}};
    timeline.end = Seconds(9);
  }
};

// Rank 0 waits 1..3 for rank 1's attention, 4..5 for its traffic, and 6..9 for its expert, half of
// which is the fault's. Rank 1 never waits.
TEST(Waiting, EveryGapHasItsCause) {
  const Example example;
  const Waiting waiting = waiting_of(example.graph, example.timeline);
  const RankDay& first = waiting.days[0];
  EXPECT_EQ(first.computing.value, 2);
  EXPECT_EQ(first.slowed_by_faults.value, 0);
  EXPECT_EQ(first.communicating.value, 1);
  EXPECT_EQ(first.waiting_for_network.value, 1);
  EXPECT_EQ(first.waiting_for_compute.value, 2 + 1.5);
  EXPECT_EQ(first.waiting_for_faults.value, 1.5);
  const RankDay& second = waiting.days[1];
  EXPECT_EQ(second.computing.value, 3 + 2);
  EXPECT_EQ(second.slowed_by_faults.value, 2);
  EXPECT_EQ(second.communicating.value, 2);
  EXPECT_EQ(second.idle().value, 0);
}

// Rank 0 idles 5 s under rank 1's computations, rank 1 none under rank 0's: 2.5 s on a mean rank.
TEST(Waiting, SaysWhoIsWaitedFor) {
  const Example example;
  const Waiting waiting = waiting_of(example.graph, example.timeline);
  EXPECT_EQ(waiting.waited_for[0].value, 0);
  EXPECT_EQ(waiting.waited_for[1].value, 2.5);
}

// Rank 2 computes for 1 s and waits for an all-reduce of all, which waits for a dispatch of ranks 0
// and 1: 3 s of computing on rank 1, then 1 GB and 1 us over links of 1 GB/s each way.
TEST(Waiting, AnothersDispatchIsNetworkToWhoWaitsForIt) {
  StepGraph graph;
  graph.num_ranks = 3;
  graph.ranks = {0, 1, 2};
  const int a0 = graph.add({{Phase::attention}, 0, Seconds(1), -1}, {});
  const int a1 = graph.add({{Phase::attention}, 1, Seconds(3), -1}, {});
  const int a2 = graph.add({{Phase::attention}, 2, Seconds(1), -1}, {});
  const int d = graph.add({{Phase::dispatch}, -1, Seconds(0), 0}, {a0, a1});
  graph.add({{Phase::all_reduce}, -1, Seconds(0), 1}, {d, a2});
  graph.collectives.push_back({"dispatch", {0, 1}, {{0, 1, base::Bytes(1e9)}}, Seconds(0)});
  graph.collectives.push_back({"all_reduce", {0, 1, 2}, {}, Seconds(0)});
  topologies::Router router(testing::example_star({0, 0, 0}));
  const auto network = make_network(Fidelity::analytic, router);
  const Timeline timeline = execute(graph, *network);
  const Waiting waiting = waiting_of(graph, timeline);
  EXPECT_NEAR(waiting.days[2].waiting_for_compute.value, 2, 1e-12);
  EXPECT_NEAR(waiting.days[2].waiting_for_network.value, 1, 1e-12);
  EXPECT_NEAR(waiting.days[0].waiting_for_compute.value, 2, 1e-12);
  EXPECT_NEAR(waiting.days[0].communicating.value, 1, 1e-12);
  EXPECT_NEAR(waiting.waited_for[1].value, 4.0 / 3, 1e-12);
  for (const RankDay& day : waiting.days) {
    EXPECT_NEAR((day.computing + day.slowed_by_faults + day.communicating + day.idle()).value,
                timeline.end.value, 1e-12);
  }
}

}  // namespace
}  // namespace moesim::sim
