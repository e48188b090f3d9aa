// SPDX-License-Identifier: Apache-2.0
// The factors of a dropout: DropoutFactors of model/layers/dropout.h. C++17, read by nvcc and g++.
#pragma once

#include <cstdint>

#include "base/rng.h"
#include "model/cuda/device_code.h"

namespace moesim::model::cuda {

struct DropoutRule {
  std::uint64_t key = 0;
  std::uint32_t dropped_below = 0;
  float kept_factor = 1;
  bool is_active = false;

  MOESIM_DEVICE_CODE float factor(std::int64_t element) const {
    if (!is_active) return 1.0F;
    const auto place = static_cast<std::uint64_t>(element);
    const std::uint64_t bits = base::field_bits(key, place / 2) >> (place % 2 * 32);
    return static_cast<std::uint32_t>(bits) < dropped_below ? 0.0F : kept_factor;
  }
};

}  // namespace moesim::model::cuda
