// SPDX-License-Identifier: Apache-2.0
#include "model/layers/expert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace moesim::model {
namespace {

// Two experts, hidden 1, intermediate 1; expert 1 has Wg = 2, Wu = 3, Wd = 4. For x = 1 it gives
// silu(2) x 3 x 4 = 12 x 2 / (1 + e^-2).
TEST(Expert, ComputesSwiGlu) {
  const ExpertWeights<double> weights{Matrix<double>{{9}, {2}}, Matrix<double>{{9}, {3}},
                                      Matrix<double>{{9}, {4}}};
  ExpertCache<double> cache;
  cache.input = Matrix<double>{{1}};
  for (auto* part : {&cache.gate, &cache.up, &cache.activated}) part->resize(1, 1);
  Matrix<double> output(1, 1);
  expert_forward(weights, {1, 0, 1}, cache, output);
  EXPECT_NEAR(output(0, 0), 24 / (1 + std::exp(-2.0)), 1e-13);
}

TEST(Expert, WithoutRowsGetsAZeroGradient) {
  const ExpertWeights<double> weights{Matrix<double>::Ones(4, 3), Matrix<double>::Ones(4, 3),
                                      Matrix<double>::Ones(6, 2)};
  const double poison = std::numeric_limits<double>::quiet_NaN();
  ExpertWeights<double> gradient{Matrix<double>::Constant(4, 3, poison),
                                 Matrix<double>::Constant(4, 3, poison),
                                 Matrix<double>::Constant(6, 2, poison)};
  ExpertCache<double> cache;
  cache.input.resize(0, 2);
  cache.gate.resize(0, 3);
  ExpertGradients<double> rows;
  for (int expert = 0; expert < 2; ++expert) {
    expert_backward(weights, {expert, 0, 0}, cache, rows, gradient);
  }
  EXPECT_TRUE(gradient.gate.isZero(0));
  EXPECT_TRUE(gradient.up.isZero(0));
  EXPECT_TRUE(gradient.down.isZero(0));
}

}  // namespace
}  // namespace moesim::model
