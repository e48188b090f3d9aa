// SPDX-License-Identifier: Apache-2.0
#include "model/router/balance_loss.h"

#include <gtest/gtest.h>

#include <cmath>

namespace moesim::model {
namespace {

// Two tokens, two experts, top-1. Token 0 has probabilities (3/4, 1/4), token 1 (1/2, 1/2), and
// both went to expert 0: f = (1, 0), P = (5/8, 3/8). The loss is 0.1 x 2 x 5/8 = 0.125. Slope along
// logit (t, j): 0.1 x 2 / 2 x p_tj (f_j - sum_i f_i p_ti), so for token 0 0.1 x 3/4 x (1 - 3/4) =
// 0.01875 and its negative, for token 1 0.1 x 1/2 x 1/2 = 0.025.
TEST(BalanceLoss, IsTheProductOfLoadAndProbability) {
  Matrix<double> logits(2, 2);
  logits << std::log(3.0), 0, 0, 0;
  const RoutingBatch batch{2, 1, 2, {0, 0}, {1, 1}};
  BalanceCache<double> cache;
  EXPECT_NEAR(balance_loss(logits, batch, 0.1, cache), 0.125, 1e-15);
  Matrix<double> d_logits = Matrix<double>::Constant(2, 2, 1);  // added to, not overwritten
  add_balance_gradient(cache, 0.1, d_logits);
  EXPECT_NEAR(d_logits(0, 0), 1.01875, 1e-15);
  EXPECT_NEAR(d_logits(0, 1), 0.98125, 1e-15);
  EXPECT_NEAR(d_logits(1, 0), 1.025, 1e-15);
  EXPECT_NEAR(d_logits(1, 1), 0.975, 1e-15);
}

// Equal load and equal probabilities: E x E x (1/E x 1/E) = 1 times the coefficient, for any top-k.
TEST(BalanceLoss, EqualLoadCostsTheCoefficient) {
  const Matrix<double> logits = Matrix<double>::Zero(2, 4);
  const RoutingBatch batch{2, 2, 4, {0, 1, 2, 3}, {0.5F, 0.5F, 0.5F, 0.5F}};
  BalanceCache<double> cache;
  EXPECT_NEAR(balance_loss(logits, batch, 0.01, cache), 0.01, 1e-15);
}

}  // namespace
}  // namespace moesim::model
