// SPDX-License-Identifier: Apache-2.0
// Copies in bf16, each value rounded to the nearest, ties to even: the operands of products in
// mixed precision.
#pragma once

#include <cstdint>

#include "model/cuda/gemm/bf16.h"
#include "model/cuda/kernels/elements.h"

namespace moesim::model::cuda {

struct RoundToBf16 {
  static constexpr int kThreads = kElementThreads;

  const float* from = nullptr;  // [elements]
  Bf16* to = nullptr;           // [elements]
  std::int64_t elements = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t i = element_of(thread);
    if (i < elements) to[i] = to_bf16(from[i]);
  }
};

}  // namespace moesim::model::cuda
