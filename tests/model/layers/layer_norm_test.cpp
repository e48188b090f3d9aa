// SPDX-License-Identifier: Apache-2.0
#include "model/layers/layer_norm.h"

#include <gtest/gtest.h>

#include <cmath>

namespace moesim::model {
namespace {

// Row (1, 3): mean 2, variance 1, so normalised (-1, 1) / sqrt(1 + 1e-5); gain (2, 1), bias (0, 5).
TEST(LayerNorm, ShiftsAndScalesEachRow) {
  const LayerNormWeights<double> weights{Matrix<double>{{2, 1}}, Matrix<double>{{0, 5}}};
  LayerNormCache<double> cache;
  const Matrix<double> y = layer_norm(weights, Matrix<double>{{1, 3}}, cache);
  const double unit = 1 / std::sqrt(1 + 1e-5);
  EXPECT_NEAR(y(0, 0), -2 * unit, 1e-14);
  EXPECT_NEAR(y(0, 1), 5 + unit, 1e-14);
}

// Adding a constant to a row, or scaling it, changes nothing, so the gradient is orthogonal to both
// directions: to the second up to the variance's floor, which is 1e-5 / 3.2 of the variance.
TEST(LayerNorm, GradientIgnoresShiftAndScale) {
  const Matrix<double> x{{1, 3, -2, 0.5}};
  const LayerNormWeights<double> weights{Matrix<double>::Ones(1, 4), Matrix<double>::Zero(1, 4)};
  LayerNormCache<double> cache;
  layer_norm(weights, x, cache);
  LayerNormWeights<double> gradient;
  const Matrix<double> dx =
      layer_norm_backward(weights, cache, Matrix<double>{{0.3, -1, 2, 0.1}}, gradient);
  EXPECT_NEAR(dx.sum(), 0, 1e-14);
  EXPECT_NEAR((dx.array() * x.array()).sum(), 0, 1e-4);
  EXPECT_GT(dx.norm(), 0.1);
}

}  // namespace
}  // namespace moesim::model
