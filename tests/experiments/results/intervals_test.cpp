// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/intervals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace moesim::experiments {
namespace {

// The published table of Student's t, two-sided (NIST/SEMATECH e-Handbook of Statistical Methods,
// 1.3.6.7.2), with three decimals.
TEST(Intervals, BoundsAreThoseOfThePublishedTable) {
  const std::vector<std::pair<std::size_t, double>> at_95 = {
      {1, 12.706}, {2, 4.303},  {3, 3.182},  {4, 2.776},  {5, 2.571},
      {9, 2.262},  {10, 2.228}, {29, 2.045}, {30, 2.042}, {100, 1.984}};
  for (const auto& [degrees, bound] : at_95) {
    EXPECT_NEAR(student_t_bound(0.95, degrees), bound, 0.0005) << degrees;
  }
  EXPECT_NEAR(student_t_bound(0.99, 5), 4.032, 0.0005);
  EXPECT_NEAR(student_t_bound(0.90, 7), 1.895, 0.0005);
  // With very many degrees of freedom it is the normal distribution's 1.960.
  EXPECT_NEAR(student_t_bound(0.95, 99'999), 1.960, 0.0005);
}

// One degree is Cauchy's distribution, P = 2 atan(t) / pi, and two have P = t / sqrt(2 + t^2).
TEST(Intervals, ProbabilitiesOfOneAndTwoDegreesAreTheirClosedForms) {
  for (const double t : {0.0, 0.5, 1.0, 3.0, 40.0}) {
    EXPECT_NEAR(student_t_probability(t, 1), 2 * std::atan(t) / std::acos(-1.0), 1e-15);
    EXPECT_NEAR(student_t_probability(t, 2), t / std::sqrt(2 + t * t), 1e-15);
  }
}

// 1, 2, 3, 4, 5: mean 3, squares 10, s = sqrt(2.5), half width 2.776445 * sqrt(2.5 / 5) = 1.963243.
TEST(Intervals, HalfWidthIsTheBoundTimesTheStandardErrorOfTheMean) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const MeanInterval interval = mean_interval(std::vector<double>{1, 5, none, 2, 4, 3});
  EXPECT_EQ(interval.count, 5u);
  EXPECT_DOUBLE_EQ(interval.mean, 3);
  EXPECT_NEAR(interval.half_width, 1.963243, 1e-6);
}

TEST(Intervals, OneValueSaysNothingOfItsError) {
  const MeanInterval one = mean_interval(std::vector<double>{7});
  EXPECT_EQ(one.mean, 7);
  EXPECT_TRUE(std::isnan(one.half_width));
  const MeanInterval none = mean_interval({});
  EXPECT_EQ(none.count, 0u);
  EXPECT_TRUE(std::isnan(none.mean));
}

}  // namespace
}  // namespace moesim::experiments
