// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/least_squares.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace moesim::experiments {
namespace {

// y = a e^(b t) at t = 0 ... 9 with a = 2, b = -0.3, without noise.
TEST(LeastSquares, FindsTheCurveThatMadeThePoints) {
  const Residuals residuals = [](const std::vector<double>& x, std::vector<double>& values) {
    values.clear();
    for (int t = 0; t < 10; ++t) {
      values.push_back(x[0] * std::exp(x[1] * t) - 2 * std::exp(-0.3 * t));
    }
  };
  const LeastSquares found = minimise_squares(residuals, {{1, 0, 10}, {0, -5, 5}}, 100);
  EXPECT_NEAR(found.at[0], 2, 1e-4);
  EXPECT_NEAR(found.at[1], -0.3, 1e-4);
  EXPECT_LT(found.sum, 1e-8);
}

// (x - 3)^2 + (y - x)^2 with x <= 1: the bound holds, and y follows it to 1.
TEST(LeastSquares, StopsAtBoundsAndGoesAlongThem) {
  const Residuals residuals = [](const std::vector<double>& x, std::vector<double>& values) {
    values = {x[0] - 3, x[1] - x[0]};
  };
  const LeastSquares found = minimise_squares(residuals, {{0, -1, 1}, {-4, -9, 9}}, 100);
  EXPECT_EQ(found.at[0], 1);
  EXPECT_NEAR(found.at[1], 1, 1e-4);
  EXPECT_NEAR(found.sum, 4, 1e-6);
}

// Rosenbrock's valley: 100 (y - x^2)^2 + (1 - x)^2 is 0 at (1, 1).
TEST(LeastSquares, FollowsACurvedValley) {
  const Residuals residuals = [](const std::vector<double>& x, std::vector<double>& values) {
    values = {10 * (x[1] - x[0] * x[0]), 1 - x[0]};
  };
  const LeastSquares found = minimise_squares(residuals, {{-1.2, -5, 5}, {1, -5, 5}}, 500);
  EXPECT_NEAR(found.at[0], 1, 1e-3);
  EXPECT_NEAR(found.at[1], 1, 2e-3);
}

}  // namespace
}  // namespace moesim::experiments
