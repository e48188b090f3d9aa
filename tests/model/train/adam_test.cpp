// SPDX-License-Identifier: Apache-2.0
#include "model/train/adam.h"

#include <gtest/gtest.h>

namespace moesim::model {
namespace {

// The first step of Adam moves every element by the learning rate against its slope's sign, however
// steep it is; two shards' slopes are added first: 3 - 1 = 2 and -5 + 1 = -4.
TEST(Adam, FirstStepHasTheLearningRatesSize) {
  Matrix<float> values{{1, 1}};
  Matrix<float> first{{3, -5}};
  Matrix<float> second{{-1, 1}};
  Adam adam({.learning_rate = 0.1}, {&values});
  adam.step({{&first}, {&second}}, 1);
  EXPECT_NEAR(values(0, 0), 0.9, 1e-6);
  EXPECT_NEAR(values(0, 1), 1.1, 1e-6);
}

// Warm-up over 4 steps at slope 1: the steps are 1/4, 2/4, 3/4, 1, 1 of the learning rate.
TEST(Adam, WarmsUpLinearly) {
  Matrix<float> values{{0}};
  Matrix<float> slope{{1}};
  Adam adam({.learning_rate = 0.1, .warm_up_steps = 4}, {&values});
  const double after[] = {0.025, 0.075, 0.15, 0.25, 0.35};
  for (const double expected : after) {
    adam.step({{&slope}}, 1);
    EXPECT_NEAR(values(0, 0), -expected, 1e-5);
  }
}

// (x - 3)^2 has its least value at 3.
TEST(Adam, FindsTheBottomOfAParabola) {
  Matrix<float> values{{0}};
  Adam adam({.learning_rate = 0.05}, {&values});
  for (int i = 0; i < 400; ++i) {
    Matrix<float> slope{{2 * (values(0, 0) - 3)}};
    adam.step({{&slope}}, 2);
  }
  EXPECT_NEAR(values(0, 0), 3, 0.02);
}

}  // namespace
}  // namespace moesim::model
