// SPDX-License-Identifier: Apache-2.0
#include "model/layers/layer_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/cpu/cpu_backend.h"
#include "tests/model/layers/central_difference.h"

namespace moesim::model {
namespace {

class LayerNorm : public testing::Test {
 protected:
  base::ThreadPool threads_{2};
  std::unique_ptr<Backend<double>> backend_ = make_cpu_backend<double>(threads_);
  Pass<double> pass_{*backend_, threads_};
};

// Row (1, 3): mean 2, variance 1, so normalised (-1, 1) / sqrt(1 + 1e-5); gain (2, 1), bias (0, 5).
TEST_F(LayerNorm, ShiftsAndScalesEachRow) {
  const LayerNormWeights<double> weights{Matrix<double>{{2, 1}}, Matrix<double>{{0, 5}}};
  LayerNormCache<double> cache;
  Matrix<double> y;
  layer_norm(weights, pass_, Matrix<double>{{1, 3}}, cache, y);
  const double unit = 1 / std::sqrt(1 + 1e-5);
  EXPECT_NEAR(y(0, 0), -2 * unit, 1e-14);
  EXPECT_NEAR(y(0, 1), 5 + unit, 1e-14);
}

// Adding a constant to a row, or scaling it, changes nothing, so the gradient is orthogonal to both
// directions: to the second up to the variance's floor, which is 1e-5 / 3.2 of the variance.
TEST_F(LayerNorm, GradientIgnoresShiftAndScale) {
  const Matrix<double> x{{1, 3, -2, 0.5}};
  const LayerNormWeights<double> weights{Matrix<double>::Ones(1, 4), Matrix<double>::Zero(1, 4)};
  LayerNormCache<double> cache;
  Matrix<double> y;
  layer_norm(weights, pass_, x, cache, y);
  LayerNormWeights<double> gradient;
  Matrix<double> dx = Matrix<double>::Zero(1, 4);
  LayerNormBackward<double>{weights, pass_}.run(cache, Matrix<double>{{0.3, -1, 2, 0.1}}, gradient,
                                                dx);
  EXPECT_NEAR(dx.sum(), 0, 1e-14);
  EXPECT_NEAR((dx.array() * x.array()).sum(), 0, 1e-4);
  EXPECT_GT(dx.norm(), 0.1);
}

// 70 rows are three pieces of work, whose sums meet in the gradients of gain and bias.
TEST_F(LayerNorm, GradientEqualsCentralDifferences) {
  base::Rng rng(1, "layer norm");
  LayerNormWeights<double> weights{random_matrix(1, 5, rng), random_matrix(1, 5, rng)};
  Matrix<double> x = random_matrix(70, 5, rng);
  const Matrix<double> dy = random_matrix(70, 5, rng);
  LayerNormCache<double> cache;
  Matrix<double> y;
  const auto loss = [&] {
    layer_norm(weights, pass_, x, cache, y);
    return weighted_sum(y, dy);
  };
  loss();
  LayerNormWeights<double> gradient;
  Matrix<double> dx = Matrix<double>::Zero(70, 5);
  LayerNormBackward<double>{weights, pass_}.run(cache, dy, gradient, dx);
  expect_slopes(x, dx, loss);
  expect_slopes(weights.gain, gradient.gain, loss);
  expect_slopes(weights.bias, gradient.bias, loss);
}

TEST_F(LayerNorm, AddsToTheResidualStreamsGradientAndWhenAskedToTheWeights) {
  base::Rng rng(2, "layer norm");
  const LayerNormWeights<double> weights{random_matrix(1, 3, rng), random_matrix(1, 3, rng)};
  const Matrix<double> x = random_matrix(4, 3, rng);
  LayerNormCache<double> cache;
  Matrix<double> y;
  layer_norm(weights, pass_, x, cache, y);
  LayerNormWeights<double> gradient;
  Matrix<double> alone = Matrix<double>::Zero(4, 3);
  LayerNormBackward<double>{weights, pass_}.run(cache, y, gradient, alone);
  const LayerNormWeights<double> once = gradient;
  Matrix<double> dx = Matrix<double>::Ones(4, 3);
  pass_.add_gradients = true;
  LayerNormBackward<double>{weights, pass_}.run(cache, y, gradient, dx);
  EXPECT_LT((dx - alone - Matrix<double>::Ones(4, 3)).norm(), 1e-14);
  EXPECT_LT((gradient.gain - 2 * once.gain).norm(), 1e-14);
  EXPECT_LT((gradient.bias - 2 * once.bias).norm(), 1e-14);
}

}  // namespace
}  // namespace moesim::model
