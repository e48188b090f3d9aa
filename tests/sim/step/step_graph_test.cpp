// SPDX-License-Identifier: Apache-2.0
#include "sim/step/step_graph.h"

#include <gtest/gtest.h>

#include "base/check.h"

namespace moesim::sim {
namespace {

TEST(StepGraph, LabelsReadLikeASentence) {
  EXPECT_EQ(to_text(OpLabel{Phase::expert, 3, 0, true}), "expert L3 mb0 bwd");
  EXPECT_EQ(to_text(OpLabel{Phase::head, -1, 2, false}), "head mb2 fwd");
  EXPECT_EQ(to_text(OpLabel{Phase::all_reduce, -1, -1, true}), "all_reduce");
}

TEST(StepGraph, PredecessorsAreKeptInRows) {
  StepGraph graph;
  const int a = graph.add({{}, 0, base::Seconds(1), -1}, {});
  const int b = graph.add({{}, 1, base::Seconds(1), -1}, {});
  const int c = graph.add({{}, 0, base::Seconds(1), -1}, {a, b});
  EXPECT_EQ(c, 2);
  EXPECT_EQ(graph.first_predecessor, (std::vector<int>{0, 0, 0, 2}));
  EXPECT_EQ(graph.predecessors, (std::vector<int>{a, b}));
}

TEST(StepGraph, AnOperationCannotWaitForALaterOne) {
  StepGraph graph;
  EXPECT_THROW(graph.add({{}, 0, base::Seconds(1), -1}, {0}), base::InvariantViolation);
}

}  // namespace
}  // namespace moesim::sim
