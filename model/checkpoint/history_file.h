// SPDX-License-Identifier: Apache-2.0
// The history of a training run as a safetensors file: one tensor a column, F64 and I64, so that
// every bit is kept; the experts' usage as [rows, MoE layers, experts]. Free of Eigen.
#pragma once

#include <filesystem>

#include "model/train/training_history.h"

namespace moesim::model {

void write_history(const std::filesystem::path& path, const TrainingHistory& history);

// Throws base::Error where the file is damaged or speaks of a step after `last_step`.
TrainingHistory read_history(const std::filesystem::path& path, int last_step);

}  // namespace moesim::model
