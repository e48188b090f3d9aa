// SPDX-License-Identifier: Apache-2.0
// The two 16-bit floating-point formats of checkpoints: bf16 and f16 (IEEE 754 binary16, 5 exponent
// bits). Widening is exact.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "model/bfloat16.h"

namespace moesim::model {

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
