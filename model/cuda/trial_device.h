// SPDX-License-Identifier: Apache-2.0
// A device as a machine whose kernels are timed (this header is free of Eigen): single products as
// its mode says who computes them, the experts' products, moves of rows and attention's scores.
#pragma once

#include <memory>

#include "model/cuda/device.h"
#include "model/kernel_trial.h"

namespace moesim::model::cuda {

// The device must outlive it. A quarter of the free memory, 8 GiB at most, holds operands, and as
// much again results: each run reads and writes other places than the one before.
std::unique_ptr<TrialMachine> make_trial_device(Device& device);

}  // namespace moesim::model::cuda
