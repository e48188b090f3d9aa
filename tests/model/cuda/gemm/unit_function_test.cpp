// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/gemm/unit_function.h"

#include <gtest/gtest.h>

#include "model/layers/activation.h"

namespace moesim::model::cuda {
namespace {

// 1e-6: rounding errors of a handful of operations in fp32 on values below 10.
template <Activation activation>
void expect_function(UnitFunction function) {
  for (int i = -1000; i <= 1000; ++i) {
    const double x = static_cast<float>(i) / 128;
    const auto expected = ActivationFunction<activation>::at(x);
    const UnitValue value = unit_value(function, static_cast<float>(x));
    EXPECT_NEAR(value.value, expected.value, 1e-6) << x;
    EXPECT_NEAR(value.slope, expected.slope, 1e-6) << x;
  }
}

TEST(UnitFunction, IsThatOfTheLayersInDouble) {
  expect_function<Activation::gelu>(UnitFunction::gelu);
  expect_function<Activation::gelu_tanh>(UnitFunction::gelu_tanh);
  expect_function<Activation::relu>(UnitFunction::relu);
  expect_function<Activation::silu>(UnitFunction::silu);
  expect_function<Activation::tanh>(UnitFunction::tanh);
}

// Far from zero nothing overflows into a NaN: e^-x is infinite and 1 / (1 + that) zero.
TEST(UnitFunction, StaysANumberFarFromZero) {
  for (const float x : {-1e4F, 1e4F}) {
    EXPECT_EQ(unit_value(UnitFunction::silu, x).value, x < 0 ? 0.0F : x);
    EXPECT_EQ(unit_value(UnitFunction::gelu, x).value, x < 0 ? 0.0F : x);
    EXPECT_EQ(unit_value(UnitFunction::gelu_tanh, x).value, x < 0 ? 0.0F : x);
    EXPECT_EQ(unit_value(UnitFunction::tanh, x).value, x < 0 ? -1.0F : 1.0F);
  }
}

}  // namespace
}  // namespace moesim::model::cuda
