// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/sensitivity.h"

#include <gtest/gtest.h>

#include <cmath>

namespace moesim::experiments {
namespace {

using Residuals = std::vector<double>;

// Slopes (1, 1, 0, 0) and (0, 0, 2, 2): J'J is diag(2, 8). With a root-mean-square of 0.1 the
// errors are 0.1 / sqrt(2) and 0.1 / sqrt(8).
TEST(Sensitivity, VariablesOfTheirOwnCasesAreFixedByThese) {
  const auto errors = relative_uncertainties(
      [](const std::vector<double>& x) {
        return Residuals{x[0] + 0.1, x[0] - 0.1, 2 * x[1] + 0.1, 2 * x[1] - 0.1};
      },
      {0, 0});
  EXPECT_NEAR(errors[0], 0.1 / std::sqrt(2), 1e-9);
  EXPECT_NEAR(errors[1], 0.1 / std::sqrt(8), 1e-9);
}

// Slopes (1, 1) and (1, 0): J'J = ((2, 1), (1, 1)), its inverse ((1, -1), (-1, 2)). The residuals
// are 0, so that the least root-mean-square of 0.01 counts.
TEST(Sensitivity, VariablesThatPullTogetherAreLessSure) {
  const auto errors = relative_uncertainties(
      [](const std::vector<double>& x) {
        return Residuals{x[0] + x[1], x[0]};
      },
      {0, 0});
  EXPECT_NEAR(errors[0], 0.01, 1e-9);
  EXPECT_NEAR(errors[1], 0.01 * std::sqrt(2), 1e-9);
}

TEST(Sensitivity, WhatChangesNothingOfItsOwnIsUnknown) {
  const auto errors = relative_uncertainties(
      [](const std::vector<double>& x) {
        return Residuals{x[0] + 2 * x[1], 2 * x[0] + 4 * x[1], 0};
      },
      {0, 0});
  EXPECT_TRUE(std::isinf(errors[0]));
  EXPECT_TRUE(std::isinf(errors[1]));
  EXPECT_TRUE(std::isinf(relative_uncertainties(
      [](const std::vector<double>&) {
        return Residuals{1, 2};
      },
      {0})[0]));
}

}  // namespace
}  // namespace moesim::experiments
