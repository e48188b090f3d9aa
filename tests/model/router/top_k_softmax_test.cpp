// SPDX-License-Identifier: Apache-2.0
#include "model/router/top_k_softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"

namespace moesim::model {
namespace {

// Logits 0, ln 3, 0, -1, two of them chosen. Expert 1 leads; experts 0 and 2 tie and the lower id
// wins. Weights over the chosen: e^ln3 / (3 + 1) = 3/4 and 1/4.
TEST(TopKSoftmax, ChoosesTheLargestAndRenormalises) {
  Matrix<double> logits(1, 4);
  logits << 0, std::log(3.0), 0, -1;
  TopKRouting<double> routing;
  top_k_softmax(logits, 2, routing);
  EXPECT_EQ(routing.batch.experts, (std::vector<std::int32_t>{1, 0}));
  EXPECT_NEAR(routing.weights(0, 0), 0.75, 1e-15);
  EXPECT_NEAR(routing.weights(0, 1), 0.25, 1e-15);
  EXPECT_FLOAT_EQ(routing.batch.weights[0], 0.75F);
}

TEST(TopKSoftmax, EqualLogitsGoToTheLowerExperts) {
  const Matrix<float> logits = Matrix<float>::Zero(2, 5);
  TopKRouting<float> routing;
  top_k_softmax(logits, 3, routing);
  EXPECT_EQ(routing.batch.experts, (std::vector<std::int32_t>{0, 1, 2, 0, 1, 2}));
}

// Softmax over all of (0, ln 2, ln 3) is (1, 2, 3) / 6; over the chosen two, (3, 2) / 5.
TEST(TopKSoftmax, EqualsTheRenormalisedSoftmaxOverAllExperts) {
  Matrix<double> logits(1, 3);
  logits << 0, std::log(2.0), std::log(3.0);
  TopKRouting<double> routing;
  top_k_softmax(logits, 2, routing);
  EXPECT_EQ(routing.batch.experts, (std::vector<std::int32_t>{2, 1}));
  EXPECT_NEAR(routing.weights(0, 0), 0.6, 1e-15);
  EXPECT_NEAR(routing.weights(0, 1), 0.4, 1e-15);
}

TEST(TopKSoftmax, AgreesWithAFullSortOnRandomLogits) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    base::Rng rng(seed, "logits");
    const int num_experts = 1 + static_cast<int>(rng.below(70));
    const int top_k = 1 + static_cast<int>(rng.below(num_experts));
    Matrix<float> logits(3, num_experts);
    // Few distinct values, so that ties are common.
    for (Index i = 0; i < logits.size(); ++i) {
      logits.data()[i] = static_cast<float>(rng.below(20)) - 10;
    }
    TopKRouting<float> routing;
    top_k_softmax(logits, top_k, routing);
    for (int token = 0; token < 3; ++token) {
      std::vector<std::int32_t> sorted(num_experts);
      for (int e = 0; e < num_experts; ++e) sorted[e] = e;
      std::stable_sort(sorted.begin(), sorted.end(),
                       [&](int a, int b) { return logits(token, a) > logits(token, b); });
      sorted.resize(top_k);
      const auto first = routing.batch.experts.begin() + token * top_k;
      EXPECT_EQ(sorted, std::vector<std::int32_t>(first, first + top_k)) << "seed " << seed;
      EXPECT_NEAR(routing.weights.row(token).sum(), 1, 1e-5) << "seed " << seed;
      EXPECT_GE(routing.weights.row(token).minCoeff(), 0) << "seed " << seed;
    }
  }
}

// Whatever diverging training produces, the experts stay distinct and in range.
TEST(TopKSoftmax, NotANumberStillGivesDistinctExperts) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Matrix<float> logits(1, 4);
  logits << nan, 1, nan, nan;
  TopKRouting<float> routing;
  top_k_softmax(logits, 4, routing);
  std::vector<std::int32_t> experts = routing.batch.experts;
  std::sort(experts.begin(), experts.end());
  EXPECT_EQ(experts, (std::vector<std::int32_t>{0, 1, 2, 3}));
}

// Weights (3/4, 1/4) of experts 1 and 0; the loss is the first weight. Its slope along logit 1 is
// w1 (1 - w1) = 3/16, along logit 0 it is -w1 w0 = -3/16, along the others 0.
TEST(TopKSoftmax, BackwardIsTheSlopeOfTheChosenSoftmax) {
  Matrix<double> logits(1, 4);
  logits << 0, std::log(3.0), 0, -1;
  TopKRouting<double> routing;
  top_k_softmax(logits, 2, routing);
  Matrix<double> d_weights(1, 2);
  d_weights << 1, 0;
  const Matrix<double> d_logits = top_k_softmax_backward(routing, d_weights);
  EXPECT_NEAR(d_logits(0, 1), 3.0 / 16, 1e-15);
  EXPECT_NEAR(d_logits(0, 0), -3.0 / 16, 1e-15);
  EXPECT_EQ(d_logits(0, 2), 0);
  EXPECT_EQ(d_logits(0, 3), 0);
}

}  // namespace
}  // namespace moesim::model
