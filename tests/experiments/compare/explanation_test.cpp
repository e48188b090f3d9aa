// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/explanation.h"

#include <gtest/gtest.h>

#include "tests/experiments/compare/example_subjects.h"

namespace moesim::experiments {
namespace {

TEST(Explanation, HasACauseForAllOfTheStep) {
  const Explanation e = explain_point(small_subject(), {}, false);
  double sum = 0;
  for (const CauseShare& cause : e.causes) sum += cause.part_s;
  EXPECT_NEAR(sum, e.step_time_s, 1e-12 * e.step_time_s);
  EXPECT_EQ(e.causes[0].cause, "compute");
  EXPECT_LT(e.causes[0].without_s, e.step_time_s);
  EXPECT_FALSE(e.sensitivity.has_value());
  EXPECT_GE(e.verdict.size(), 2U);
}

TEST(Explanation, VariesInputsWhereItIsAskedTo) {
  const Explanation e = explain_point(small_subject(), {}, true);
  ASSERT_TRUE(e.sensitivity.has_value());
  EXPECT_GT(e.sensitivity->effects.size(), 10U);
  EXPECT_FALSE(e.sensitivity->without_effect.empty());
}

TEST(Explanation, WarnsOfAnOldRun) {
  Subject stored = small_subject();
  stored.figures.emplace().step_time_s = 1;
  const Explanation e = explain_point(stored, {}, false);
  ASSERT_FALSE(e.warnings.empty());
  EXPECT_EQ(e.warnings.back().rfind("the run has a step of 1 s", 0), 0U);
}

}  // namespace
}  // namespace moesim::experiments
