// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/float16.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/rng.h"

namespace moesim::model {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// binary16 by its definition (IEEE 754): (-1)^s 2^(e - 15) (1 + f / 1024), and f 2^-24 for e = 0.
TEST(Float16, EveryBitPatternWidensToItsValue) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const int exponent = (bits >> 10) & 0x1f;
    const int fraction = bits & 0x3ff;
    const double sign = bits < 0x8000 ? 1 : -1;
    const float value = from_float16(static_cast<std::uint16_t>(bits));
    if (exponent == 0x1f) {
      if (fraction == 0) {
        EXPECT_EQ(value, sign * kInfinity);
      } else {
        EXPECT_TRUE(std::isnan(value));
      }
      continue;
    }
    const double expected = exponent == 0 ? std::ldexp(fraction, -24)
                                          : std::ldexp(1 + fraction / 1024.0, exponent - 15);
    ASSERT_EQ(static_cast<double>(value), sign * expected) << bits;
    ASSERT_EQ(std::signbit(value), sign < 0) << bits;
  }
}

TEST(Float16, EveryBfloat16ComesBackFromItsWidening) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto narrow = static_cast<std::uint16_t>(bits);
    const float value = from_bfloat16(narrow);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(from_bfloat16(to_bfloat16(value))));
    } else {
      EXPECT_EQ(to_bfloat16(value), narrow);
    }
  }
}

// The neighbours of x among the bf16 numbers are those of its upper half and of the next: the
// rounded one is the nearer in exact (double) arithmetic, of two as near the one with an even bit.
TEST(Float16, RoundsToTheNearestBfloat16) {
  base::Rng rng(3, "floats");
  for (int i = 0; i < 100000; ++i) {
    const auto value =
        static_cast<float>(std::ldexp(rng.uniform(), static_cast<int>(i % 200) - 100));
    const auto below = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
    const auto above = static_cast<std::uint16_t>(below + 1);
    const double down = static_cast<double>(value) - from_bfloat16(below);
    const double up = static_cast<double>(from_bfloat16(above)) - value;
    const bool goes_up = up < down || (up == down && (below & 1) == 1);
    ASSERT_EQ(to_bfloat16(value), goes_up ? above : below) << value;
    ASSERT_EQ(to_bfloat16(-value), to_bfloat16(value) | 0x8000);
  }
}

// Half-way cases: 1 + 2^-8 (0x3f808000) to the even 0x3f80; 1 + 3 x 2^-8 (0x3f818000) to 0x3f82.
// The largest float is nearer to 2^128 than to the largest bf16: infinity, as IEEE 754 rounds.
TEST(Float16, TiesGoToEvenAndTheLargestFloatToInfinity) {
  EXPECT_EQ(to_bfloat16(1 + 0x1p-8F), 0x3f80);
  EXPECT_EQ(to_bfloat16(1 + 0x3p-8F), 0x3f82);
  EXPECT_EQ(to_bfloat16(0.0F), 0x0000);
  EXPECT_EQ(to_bfloat16(-0.0F), 0x8000);
  EXPECT_EQ(round_to_bfloat16(std::numeric_limits<float>::max()), kInfinity);
  EXPECT_EQ(round_to_bfloat16(-kInfinity), -kInfinity);
  // A quiet NaN whose fraction lies in the lower half alone must not become infinity.
  EXPECT_TRUE(std::isnan(round_to_bfloat16(std::bit_cast<float>(0x7f800001U))));
}

}  // namespace
}  // namespace moesim::model
