// SPDX-License-Identifier: Apache-2.0
// The backend on a device: the five operations of model/backend.h with the processor's bits. Every
// call carries its operands to the device and its result back.
#pragma once

#include <memory>

#include "model/backend.h"
#include "model/cuda/device.h"

namespace moesim::model::cuda {

// `device` must outlive the backend. Thread-safe. Throws base::Error at "--backend" for mixed
// precision, which has no operations with these bits.
std::unique_ptr<Backend<float>> make_cuda_backend(Device& device);

}  // namespace moesim::model::cuda
