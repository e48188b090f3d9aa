// SPDX-License-Identifier: Apache-2.0
#include "sim/report/step_analysis.h"

#include <gtest/gtest.h>

namespace moesim::sim {
namespace {

using base::Seconds;

// Two ranks. Rank 0 computes attention 0..1, rank 1 attention 0..3; both dispatch 3..5, where rank
// 0's own traffic ends at 4; experts: rank 0 5..6, rank 1 5..9. The step ends at 9.
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
    graph.add({{Phase::expert}, 1, Seconds(4), -1}, {d});
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

TEST(StepAnalysis, TheCriticalPathIsTheSlowRanks) {
  const Example example;
  PhaseTimes times = critical_path(example.graph, example.timeline);
  EXPECT_EQ(times[Phase::attention].value, 3);
  EXPECT_EQ(times[Phase::dispatch].value, 2);
  EXPECT_EQ(times[Phase::expert].value, 4);
  EXPECT_EQ(times.idle.value, 0);
  EXPECT_EQ(times.total().value, 9);
}

TEST(StepAnalysis, CriticalOperationsComeInTheOrderOfTime) {
  const Example example;
  EXPECT_EQ(critical_ops(example.graph, example.timeline), (std::vector<int>{1, 2, 4}));
  EXPECT_EQ(latest_predecessor(example.graph, example.timeline, 0), -1);
  EXPECT_TRUE(critical_ops({}, {}).empty());
}

// Rank 0: 1 + 1 (own traffic 3..4) + 1 = 3 busy, rank 1: 3 + 2 + 4 = 9 busy.
TEST(StepAnalysis, AMeanRankWaitsForTheOthers) {
  const Example example;
  PhaseTimes times = mean_rank_times(example.graph, example.timeline);
  EXPECT_EQ(times[Phase::attention].value, 2);
  EXPECT_EQ(times[Phase::dispatch].value, 1.5);
  EXPECT_EQ(times[Phase::expert].value, 2.5);
  EXPECT_EQ(times.idle.value, 3);
  EXPECT_EQ(times.total().value, 9);
}

// Exposed: rank 0 computes 2 of 9 s, rank 1 7 of 9 s: (7 + 2) / 2. Nothing overlaps.
TEST(StepAnalysis, ExposedIsWhatNoComputeCovers) {
  const Example example;
  const Overlap overlap = overlap_of(example.graph, example.timeline);
  EXPECT_EQ(overlap.exposed.value, 4.5);
  EXPECT_EQ(overlap.fraction, 0);
}

// Rank 0 computes 3..3.5 more, inside its 1 s of traffic: 0.5 of the 3 s of traffic is covered.
TEST(StepAnalysis, OverlapIsTrafficUnderCompute) {
  Example example;
  example.graph.add({{Phase::shared_expert}, 0, Seconds(0.5), -1}, {});
  example.timeline.ops.push_back({Seconds(3), Seconds(3.5)});
  EXPECT_NEAR(overlap_of(example.graph, example.timeline).fraction, 0.5 / 3.0, 1e-12);
}

}  // namespace
}  // namespace moesim::sim
