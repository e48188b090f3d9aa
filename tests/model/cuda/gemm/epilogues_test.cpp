// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/gemm/epilogues.h"

#include <gtest/gtest.h>

#include "model/layers/activation.h"

namespace moesim::model::cuda {
namespace {

// 1e-6: rounding errors of a handful of operations in fp32 on values below 10.
template <Activation activation>
void expect_function() {
  for (int i = -1000; i <= 1000; ++i) {
    const double x = static_cast<float>(i) / 128;
    const auto expected = ActivationFunction<activation>::at(x);
    const auto value = activate<DeviceFunctions>(activation, static_cast<float>(x));
    EXPECT_NEAR(value.value, expected.value, 1e-6) << x;
    EXPECT_NEAR(value.slope, expected.slope, 1e-6) << x;
  }
}

TEST(Epilogues, FunctionsAreThoseOfTheLayersInDouble) {
  expect_function<Activation::gelu>();
  expect_function<Activation::gelu_tanh>();
  expect_function<Activation::relu>();
  expect_function<Activation::silu>();
  expect_function<Activation::tanh>();
}

// Far from zero nothing overflows into a NaN: e^-x is infinite and 1 / (1 + that) zero.
TEST(Epilogues, FunctionsStayNumbersFarFromZero) {
  for (const float x : {-1e4F, 1e4F}) {
    EXPECT_EQ(activate<DeviceFunctions>(Activation::silu, x).value, x < 0 ? 0.0F : x);
    EXPECT_EQ(activate<DeviceFunctions>(Activation::gelu, x).value, x < 0 ? 0.0F : x);
    EXPECT_EQ(activate<DeviceFunctions>(Activation::gelu_tanh, x).value, x < 0 ? 0.0F : x);
    EXPECT_EQ(activate<DeviceFunctions>(Activation::tanh, x).value, x < 0 ? -1.0F : 1.0F);
  }
}

}  // namespace
}  // namespace moesim::model::cuda
