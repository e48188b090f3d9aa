// SPDX-License-Identifier: Apache-2.0
#include "model/layers/attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace moesim::model {
namespace {

Matrix<double> random_matrix(Index rows, Index cols, base::Rng& rng) {
  Matrix<double> matrix(rows, cols);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = rng.normal();
  return matrix;
}

// Hidden 1, one head; the three projections are 1, so q = k = v = x; x = (0, ln 3) in one window.
// Token 0 sees itself: 0. Token 1 has scores (0, ln3 x ln3) and mixes (0, ln 3).
TEST(Attention, MixesTheValuesSeen) {
  const AttentionWeights<double> weights{Matrix<double>{{1, 1, 1}}, Matrix<double>{{2}}};
  const double x = std::log(3.0);
  AttentionCache<double> cache;
  const Matrix<double> y = attention(weights, {1, 2}, Matrix<double>{{0}, {x}}, cache);
  const double share = std::exp(x * x) / (1 + std::exp(x * x));
  EXPECT_NEAR(y(0, 0), 0, 1e-15);
  EXPECT_NEAR(y(1, 0), 2 * share * x, 1e-14);
}

// 70 tokens in windows of 50: the second window has 20. A change to token 40 may reach tokens 40 to
// 49 only: not earlier ones, not the next window's.
TEST(Attention, IsCausalWithinWindows) {
  base::Rng rng(1, "attention");
  const AttentionWeights<double> weights{random_matrix(4, 12, rng), random_matrix(4, 4, rng)};
  const AttentionShape shape{2, 50};
  Matrix<double> x = random_matrix(70, 4, rng);
  AttentionCache<double> cache;
  const Matrix<double> before = attention(weights, shape, x, cache);
  x.row(40).array() += 1;
  const Matrix<double> after = attention(weights, shape, x, cache);
  for (Index t = 0; t < 70; ++t) {
    const bool reached = t >= 40 && t < 50;
    EXPECT_EQ((before.row(t) - after.row(t)).norm() > 0, reached) << "token " << t;
  }
}

}  // namespace
}  // namespace moesim::model
