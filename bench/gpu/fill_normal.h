// SPDX-License-Identifier: Apache-2.0
// Random operands in a device's memory.
#pragma once

#include <cstdint>

#include "model/cuda/gemm/bf16.h"

namespace moesim::bench {

// Normal values of standard deviation `scale`, the same for the same seed (splitmix64 of the place,
// Box-Muller).
void fill_normal(model::cuda::Bf16* to, std::int64_t count, float scale, std::uint64_t seed);

}  // namespace moesim::bench
