// SPDX-License-Identifier: Apache-2.0
// What a cuBLAS call returned, as an exception.
#pragma once

#include <cublas_v2.h>

#include <stdexcept>
#include <string>

namespace moesim::model::cuda {

// Throws std::runtime_error unless the call succeeded; `what` says what was asked for.
inline void require(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string("cuBLAS: ") + what + ": " + cublasGetStatusString(status));
}

}  // namespace moesim::model::cuda
