// SPDX-License-Identifier: Apache-2.0
// The two 16-bit floating-point formats: bf16 (8 exponent bits, the upper half of a float) and f16
// (IEEE 754 binary16, 5 exponent bits). Widening is exact.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace moesim::model {

constexpr float from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// To the nearest bf16, ties to even; what is not a number stays so.
constexpr std::uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  // An all-ones exponent with a fraction is not a number; adding could carry it into a number.
  const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
  const std::uint32_t rounded = bits + 0x7fffU + ((bits >> 16) & 1U);
  return static_cast<std::uint16_t>((is_nan ? bits | 0x400000U : rounded) >> 16);
}

constexpr float round_to_bfloat16(float value) { return from_bfloat16(to_bfloat16(value)); }

inline float from_float16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fU;
  const std::uint32_t fraction = bits & 0x3ffU;
  if (exponent == 0) {  // zero and the numbers below 2^-14: multiples of 2^-24
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
  }
  // The exponents' biases are 15 and 127; all ones means infinity or not a number in both.
  const std::uint32_t wide_exponent = exponent == 0x1fU ? 0xffU : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide_exponent << 23) | (fraction << 13));
}

}  // namespace moesim::model
