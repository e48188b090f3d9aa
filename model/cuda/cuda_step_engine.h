// SPDX-License-Identifier: Apache-2.0
// Training on a device: weights, gradient and moments stay in its memory, and the bits are the
// processor's where products are computed in order.
#pragma once

#include "model/cuda/device.h"
#include "model/train/step_engine.h"

namespace moesim::model::cuda {

// Throws base::Error, its place below "/model", where the model is too large for the kernels, or of
// sizes that mixed precision's products do not take.
void check_limits(const MoeGptConfig& model, ProductMode products);

// `device` outlives the engine; the model is one that check_limits() lets pass with its products.
std::unique_ptr<StepEngine> make_cuda_step_engine(Device& device, const EngineSubject& subject);

}  // namespace moesim::model::cuda
