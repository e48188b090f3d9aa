// SPDX-License-Identifier: Apache-2.0
// An optimizer's state as a safetensors file: "momentum.", "variance." and "masters." followed by
// the parameter's name, F32.
#pragma once

#include <filesystem>
#include <span>

#include "model/train/optimizer.h"

namespace moesim::model {

// `parameters` are those that the state belongs to.
void write_optimizer(const std::filesystem::path& path, const OptimizerState& state,
                     std::span<const Parameter<float>> parameters);

// The state without its count of steps. Throws base::Error where a tensor is missing, unknown, of
// another shape, or holds what no optimizer leaves.
OptimizerState read_optimizer(const std::filesystem::path& path, const TrainingConfig& training,
                              std::span<const Parameter<float>> parameters);

}  // namespace moesim::model
