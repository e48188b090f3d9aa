// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/tensor.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace moesim::model {
namespace {

template <class T>
std::span<const T> span_of(const std::vector<T>& values) {
  return values;
}

TEST(Tensor, KeepsTheBitsOfItsNumbers) {
  const std::vector<float> floats = {1.5F, -0.0F, std::numeric_limits<float>::denorm_min()};
  EXPECT_EQ(to_floats(tensor_of("a", {3}, span_of(floats))), floats);
  const std::vector<double> doubles = {0.1, -1e300};
  EXPECT_EQ(to_doubles(tensor_of("a", {2, 1}, span_of(doubles))), doubles);
  const std::vector<std::int64_t> integers = {INT64_MIN, INT64_MAX};
  EXPECT_EQ(to_integers(tensor_of("a", {2}, span_of(integers))), integers);
}

// 1.0 is 0x3f800000 in binary32, least significant byte first.
TEST(Tensor, IsLittleEndian) {
  const std::vector<float> one = {1.0F};
  EXPECT_EQ(tensor_of("a", {}, span_of(one)).bytes, (std::vector<std::uint8_t>{0, 0, 0x80, 0x3f}));
}

// 1 + 2^-8 lies half-way between bf16's 1 and 1 + 2^-7: to even, 1. 1.0078125 is 1 + 2^-7.
TEST(Tensor, OfBfloat16RoundsToNearestEven) {
  const std::vector<float> values = {1.0F + 0x1p-8F, 1.0F + 0x1.8p-7F, -2.5F};
  const Tensor tensor = bfloat16_tensor_of("a", {3}, span_of(values));
  EXPECT_EQ(tensor.dtype, Dtype::bf16);
  EXPECT_EQ(to_floats(tensor), (std::vector<float>{1.0F, 1.015625F, -2.5F}));
}

// binary16: 0x3c00 is 1, 0xc000 is -2, 0x0001 is 2^-24, 0x7bff is 65504, 0x7c00 is infinity.
TEST(Tensor, WidensFloat16Exactly) {
  Tensor tensor{"a", Dtype::f16, {5}, {0, 0x3c, 0, 0xc0, 1, 0, 0xff, 0x7b, 0, 0x7c}};
  EXPECT_EQ(to_floats(tensor),
            (std::vector<float>{1, -2, 0x1p-24F, 65504, std::numeric_limits<float>::infinity()}));
}

TEST(Tensor, HasAsManyNumbersAsItsShapeSays) {
  const std::vector<float> values = {1, 2, 3};
  EXPECT_THROW(tensor_of("a", {2, 2}, span_of(values)), base::InvariantViolation);
  EXPECT_EQ(shape_text(std::array<std::int64_t, 2>{2, 3}), "[2, 3]");
  EXPECT_EQ(shape_text({}), "[]");
}

}  // namespace
}  // namespace moesim::model
