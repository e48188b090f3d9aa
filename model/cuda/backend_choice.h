// SPDX-License-Identifier: Apache-2.0
// What the numerics compute on, as --backend names it (this header is free of Eigen).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/cuda/device.h"

namespace moesim::model::cuda {

struct BackendChoice {
  std::unique_ptr<Device> device;  // null: the processor
  // For provenance: "cpu", "cuda (NVIDIA H200)", "cpu (no CUDA device: ...)".
  std::string description;
};

// "cuda": the device, with the processor's bits; "cuda:fp32" and "cuda:tf32": its single products
// by cuBLAS; "cuda:bf16": mixed precision, the experts' products included. "auto": "cuda" where
// there is a device, else the processor, and the description says why. "cuda" without a device, and
// another name than these, throw base::Error at "--backend".
BackendChoice choose_backend(const std::string& name);

inline constexpr const char* kProcessorArithmetic = "processor";

// In which arithmetic a backend of that name computes: "cpu", "cuda" and "auto" in the processor's,
// with the same bits (docs/decisions/0020), the others each in one of its own, which has their
// name.
std::string arithmetic_of(const std::string& name);

// "auto", "cpu", "cuda" and so on.
const std::vector<std::string>& backend_names();

// The backend whose device computes products so.
const char* backend_of(ProductMode mode);

}  // namespace moesim::model::cuda
