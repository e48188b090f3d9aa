// SPDX-License-Identifier: Apache-2.0
// What a CUDA call returned, as an exception.
#pragma once

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>

namespace moesim::model::cuda {

// Throws std::runtime_error unless the call succeeded; `what` says what was asked for.
inline void require(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  throw std::runtime_error(std::string("CUDA: ") + what + ": " + cudaGetErrorString(status) + " (" +
                           cudaGetErrorName(status) + ")");
}

}  // namespace moesim::model::cuda
