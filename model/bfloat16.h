// SPDX-License-Identifier: Apache-2.0
// bf16, the upper half of a float (8 exponent bits), for both compilers (C++17). Widening is exact;
// narrowing goes to the nearest, ties to even, and what is not a number stays so.
#pragma once

#include <cstdint>

#include "model/cuda/device_code.h"

namespace moesim::model {

MOESIM_DEVICE_CODE constexpr float from_bfloat16(std::uint16_t bits) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(bits) << 16);
}

MOESIM_DEVICE_CODE constexpr std::uint16_t to_bfloat16(float value) {
  const auto bits = __builtin_bit_cast(std::uint32_t, value);
  // An all-ones exponent with a fraction is not a number; adding could carry it into a number.
  const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
  const std::uint32_t rounded = bits + 0x7fffU + ((bits >> 16) & 1U);
  return static_cast<std::uint16_t>((is_nan ? bits | 0x400000U : rounded) >> 16);
}

MOESIM_DEVICE_CODE constexpr float round_to_bfloat16(float value) {
  return from_bfloat16(to_bfloat16(value));
}

}  // namespace moesim::model
