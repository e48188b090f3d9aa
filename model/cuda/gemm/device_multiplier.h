// SPDX-License-Identifier: Apache-2.0
// The seam of grouped_multiplier.h on the current CUDA device.
#pragma once

#include <memory>

#include "model/cuda/gemm/grouped_multiplier.h"

struct CUstream_st;

namespace moesim::model::cuda {

// By the table of methods that ships with the program, in the order of `stream`. Throws
// std::runtime_error where there is no device of compute capability 8.0 or later, base::Error where
// the table cannot be read.
std::unique_ptr<GroupedMultiplier> make_device_multiplier(CUstream_st* stream);

}  // namespace moesim::model::cuda
