// SPDX-License-Identifier: Apache-2.0
// The oracle of backward passes: the slope of a loss that is a fixed weighted sum of a layer's
// result, by central differences in double.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/rng.h"
#include "model/matrix.h"

namespace moesim::model {

inline Matrix<double> random_matrix(Index rows, Index cols, base::Rng& rng) {
  Matrix<double> matrix(rows, cols);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = rng.normal();
  return matrix;
}

// The loss whose gradient by `y` is `weights`.
inline double weighted_sum(const Matrix<double>& y, const Matrix<double>& weights) {
  return (y.array() * weights.array()).sum();
}

// With steps of 1e-5 and losses of order 1 to 100 the differences are right to about 1e-8.
inline void expect_slopes(Matrix<double>& x, const Matrix<double>& gradient,
                          const std::function<double()>& loss) {
  constexpr double kStep = 1e-5;
  ASSERT_EQ(gradient.rows(), x.rows());
  ASSERT_EQ(gradient.cols(), x.cols());
  for (Index i = 0; i < x.size(); ++i) {
    const double value = x.data()[i];
    x.data()[i] = value + kStep;
    const double above = loss();
    x.data()[i] = value - kStep;
    const double below = loss();
    x.data()[i] = value;
    const double slope = (above - below) / (2 * kStep);
    EXPECT_NEAR(gradient.data()[i], slope, 2e-7 * std::max(1.0, std::abs(slope)))
        << "element " << i;
  }
}

}  // namespace moesim::model
