// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/gemm/bf16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "model/elementary.h"

namespace moesim::model::cuda {
namespace {

TEST(Bf16, IsItselfAfterARoundTrip) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Bf16 value{static_cast<std::uint16_t>(bits)};
    if (std::isnan(to_float(value))) {
      EXPECT_TRUE(std::isnan(to_float(to_bf16(to_float(value)))));
    } else {
      EXPECT_EQ(to_bf16(to_float(value)).bits, bits);
    }
  }
}

// Of the two neighbours the nearer; halfway the one whose last bit is 0.
TEST(Bf16, IsTheNearestToAFloat) {
  base::Rng rng(1, "bf16");
  for (int i = 0; i < 100000; ++i) {
    const auto bits = static_cast<std::uint32_t>(rng.next()) & (i % 2 == 0 ? ~0u : 0xffff8000u);
    const float value = vector_math::from_bits(bits);
    if (!(std::fabs(value) < 1e38F)) continue;
    const double below = vector_math::from_bits(bits & 0xffff0000u);
    const double above = vector_math::from_bits((bits & 0xffff0000u) + 0x10000u);
    const double to_below = std::fabs(value - below);
    const double to_above = std::fabs(above - value);
    const bool even = (bits >> 16 & 1u) == 0;
    const bool down = to_below < to_above || (to_below == to_above && even);
    EXPECT_EQ(to_float(to_bf16(value)), down ? below : above);
  }
}

TEST(Bf16, KeepsWhatIsNoNumber) {
  EXPECT_EQ(to_bf16(std::numeric_limits<float>::infinity()).bits, 0x7f80);
  EXPECT_EQ(to_bf16(std::numeric_limits<float>::max()).bits, 0x7f80);
  EXPECT_TRUE(std::isnan(to_float(to_bf16(vector_math::from_bits(0x7fffffffu)))));
  EXPECT_TRUE(std::isnan(to_float(to_bf16(vector_math::from_bits(0x7f800001u)))));
}

}  // namespace
}  // namespace moesim::model::cuda
