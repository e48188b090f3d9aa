// SPDX-License-Identifier: Apache-2.0
#include "model/layers/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace moesim::model {
namespace {

constexpr Activation kAll[] = {Activation::gelu, Activation::gelu_tanh, Activation::relu,
                               Activation::silu, Activation::tanh};

template <class S>
ValueAndSlope<S> at(Activation activation, S x) {
  return with_activation(activation, [&](auto function) { return function.at(x); });
}

// Phi(1) = 0.8413447460685429 and Phi(-2) = 0.0227501319481792 (tables of the normal distribution).
TEST(Activation, GeluIsItsArgumentTimesTheNormalDistribution) {
  EXPECT_NEAR(at(Activation::gelu, 1.0).value, 0.8413447460685429, 1e-15);
  EXPECT_NEAR(at(Activation::gelu, -2.0).value, -2 * 0.0227501319481792, 1e-15);
  EXPECT_EQ(at(Activation::gelu, 0.0).value, 0);
  EXPECT_EQ(at(Activation::gelu, 0.0).slope, 0.5);
}

// sqrt(2 / pi) (1 + 0.044715) = 0.8335616; 0.5 (1 + tanh 0.8335616) = 0.8411919906.
TEST(Activation, TheApproximateGeluIsGpt2s) {
  EXPECT_NEAR(at(Activation::gelu_tanh, 1.0).value, 0.8411919906082768, 1e-15);
  EXPECT_NEAR(at(Activation::gelu_tanh, -1.0).value, 0.8411919906082768 - 1, 1e-15);
}

// 1 / (1 + 1/e) = 0.7310585786300049; tanh 1 = 0.7615941559557649.
TEST(Activation, TheOthersAreTheirFormulas) {
  EXPECT_NEAR(at(Activation::silu, 1.0).value, 0.7310585786300049, 1e-15);
  EXPECT_NEAR(at(Activation::tanh, 1.0).value, 0.7615941559557649, 1e-15);
  EXPECT_EQ(at(Activation::relu, -3.0).value, 0);
  EXPECT_EQ(at(Activation::relu, 3.0).value, 3);
  EXPECT_EQ(at(Activation::relu, 0.0).slope, 0);
}

TEST(Activation, SlopesMatchDifferences) {
  const double step = 1e-5;
  for (const Activation activation : kAll) {
    for (double x = -6.05; x < 6; x += 0.1) {
      const double slope =
          (at(activation, x + step).value - at(activation, x - step).value) / (2 * step);
      EXPECT_NEAR(at(activation, x).slope, slope, 1e-9) << "x = " << x;
    }
  }
}

// The largest value here is 30, of which a float holds 7 digits.
TEST(Activation, FloatFollowsDouble) {
  for (const Activation activation : kAll) {
    for (double x = -30; x < 30; x += 0.037) {
      const auto rounded = static_cast<float>(x);
      const auto [value, slope] = at(activation, rounded);
      const auto exact = at(activation, static_cast<double>(rounded));
      const double tolerance = 1e-6 * std::max(1.0, std::abs(exact.value));
      EXPECT_NEAR(value, exact.value, tolerance) << "x = " << x;
      EXPECT_NEAR(slope, exact.slope, 2e-6) << "x = " << x;
    }
  }
}

TEST(Activation, NotANumberStaysSo) {
  for (const Activation activation : kAll) {
    EXPECT_TRUE(std::isnan(at(activation, std::numeric_limits<float>::quiet_NaN()).value));
    EXPECT_TRUE(std::isnan(at(activation, std::numeric_limits<double>::quiet_NaN()).value));
  }
}

}  // namespace
}  // namespace moesim::model
