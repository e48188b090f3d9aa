// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/nelder_mead.h"

#include <gtest/gtest.h>

#include <cmath>

namespace moesim::experiments {
namespace {

// Rosenbrock's valley (1960): 0 at (1, 1), the usual trial of such methods, from its usual start.
TEST(NelderMead, FindsTheEndOfRosenbrocksValley) {
  const Minimum minimum = minimise(
      [](const std::vector<double>& x) {
        return 100 * std::pow(x[1] - x[0] * x[0], 2) + std::pow(1 - x[0], 2);
      },
      {-1.2, 1}, 0.5, 1000);
  EXPECT_NEAR(minimum.at[0], 1, 1e-3);
  EXPECT_NEAR(minimum.at[1], 1, 1e-3);
}

TEST(NelderMead, FindsACornerOfAbsoluteValues) {
  const Minimum minimum = minimise(
      [](const std::vector<double>& x) {
        return std::abs(x[0] - 3) + 2 * std::abs(x[1] + 1) + std::abs(x[2]);
      },
      {0, 0, 1}, 0.5, 2000);
  EXPECT_NEAR(minimum.at[0], 3, 1e-3);
  EXPECT_NEAR(minimum.at[1], -1, 1e-3);
  EXPECT_NEAR(minimum.at[2], 0, 1e-3);
}

TEST(NelderMead, OneVariableIsEnough) {
  const Minimum minimum =
      minimise([](const std::vector<double>& x) { return std::pow(x[0] - 2, 2); }, {10}, 1, 200);
  EXPECT_NEAR(minimum.at[0], 2, 1e-3);
}

TEST(NelderMead, StopsWhereItIsToldTo) {
  int calls = 0;
  minimise(
      [&calls](const std::vector<double>& x) {
        ++calls;
        return std::exp(x[0]);
      },
      {0}, 1, 50);
  EXPECT_LE(calls, 53) << "a step may end after the limit";
}

}  // namespace
}  // namespace moesim::experiments
