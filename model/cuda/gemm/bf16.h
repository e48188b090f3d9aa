// SPDX-License-Identifier: Apache-2.0
// The two kinds of elements that expert products take: float, and Bf16 as its 16 bits
// (model/bfloat16.h).
#pragma once

#include <cstdint>

#include "model/bfloat16.h"

namespace moesim::model::cuda {

struct Bf16 {
  std::uint16_t bits;
};

MOESIM_DEVICE_CODE float to_float(Bf16 value) { return from_bfloat16(value.bits); }
MOESIM_DEVICE_CODE float to_float(float value) { return value; }

MOESIM_DEVICE_CODE Bf16 to_bf16(float value) { return {to_bfloat16(value)}; }

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
