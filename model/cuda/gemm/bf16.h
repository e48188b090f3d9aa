// SPDX-License-Identifier: Apache-2.0
// The two kinds of elements that expert products take: float, and Bf16 as its 16 bits. Conversions
// round to nearest, ties to even, the same on every processor; a NaN stays one.
#pragma once

#include <cstdint>
#include <cstring>

#include "model/cuda/device_code.h"

namespace moesim::model::cuda {

struct Bf16 {
  std::uint16_t bits;
};

MOESIM_DEVICE_CODE std::uint32_t bits_of(float value) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(value);
#else
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
#endif
}

MOESIM_DEVICE_CODE float float_of(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(bits);
#else
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
#endif
}

MOESIM_DEVICE_CODE float to_float(Bf16 value) {
  return float_of(static_cast<std::uint32_t>(value.bits) << 16);
}
MOESIM_DEVICE_CODE float to_float(float value) { return value; }

MOESIM_DEVICE_CODE Bf16 to_bf16(float value) {
  const std::uint32_t bits = bits_of(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return {static_cast<std::uint16_t>((bits >> 16) | 0x40u)};
  }
  return {static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

// The element nearest to a float.
template <class Element>
MOESIM_DEVICE_CODE Element to_element(float value);
template <>
MOESIM_DEVICE_CODE float to_element<float>(float value) {
  return value;
}
template <>
MOESIM_DEVICE_CODE Bf16 to_element<Bf16>(float value) {
  return to_bf16(value);
}

}  // namespace moesim::model::cuda
