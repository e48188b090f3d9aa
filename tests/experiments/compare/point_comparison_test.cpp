// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/point_comparison.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"
#include "tests/experiments/compare/example_subjects.h"

namespace moesim::experiments {
namespace {

TEST(PointComparison, EqualInputsHaveNoDifferenceToExplain) {
  const PointComparison same = compare_points(small_subject(), small_subject(), {});
  EXPECT_TRUE(same.inputs.empty());
  EXPECT_TRUE(same.causes.empty());
  EXPECT_TRUE(same.warnings.empty());
  for (const FigureDifference& figure : same.figures) {
    EXPECT_EQ(figure.difference.value_or(0), 0) << figure.figure;
  }
}

TEST(PointComparison, CausesSumToTheDifferenceOfTheSteps) {
  const PointComparison c = compare_points(
      small_subject(),
      small_subject({"cluster.node.nic_bandwidth=10 GB/s", "routing.synthetic.zipf_exponent=1.5"}),
      {});
  ASSERT_EQ(c.figures.front().figure, "step_time_s");
  const double difference = *c.figures.front().difference;
  double causes = 0;
  double sections = 0;
  for (const CausePart& part : c.causes) {
    EXPECT_NEAR(part.difference_s, part.b_s - part.a_s, 1e-15);
    causes += part.difference_s;
  }
  for (const SectionPart& part : c.sections) sections += part.difference_s;
  EXPECT_GT(difference, 0);
  EXPECT_NEAR(causes, difference, 1e-12 * difference);
  EXPECT_NEAR(sections, difference, 1e-12 * difference);
  ASSERT_EQ(c.warnings.size(), 1U);
  EXPECT_NE(c.warnings[0].find("routing.synthetic.zipf_exponent differs"), std::string::npos);
}

TEST(PointComparison, FiguresOfAnotherVersionAreToldApart) {
  Subject stored = small_subject();
  stored.figures.emplace().step_time_s = 1;
  stored.moesim = "0.0.9 old";
  const PointComparison c = compare_points(stored, small_subject(), {});
  ASSERT_EQ(c.warnings.size(), 1U);
  EXPECT_NE(c.warnings[0].find("the run of A has a step of 1 s (moesim 0.0.9 old)"),
            std::string::npos);
}

TEST(PointComparison, AnErrorSaysOfWhichSide) {
  const base::Error error = base::thrown_error(
      [] { compare_points(small_subject(), small_subject({"comm.all_reduce=in_switch"}), {}); });
  EXPECT_EQ(error.where().rfind("B (", 0), 0U) << error.where();
}

}  // namespace
}  // namespace moesim::experiments
