// SPDX-License-Identifier: Apache-2.0
// The processor as a machine whose kernels are timed: model::Backend's, in fp32.
#pragma once

#include <memory>

#include "model/kernel_trial.h"

namespace moesim::model {

// Throws base::Error where the processor lacks the instructions that this was compiled for.
std::unique_ptr<TrialMachine> make_trial_processor(int threads);

}  // namespace moesim::model
