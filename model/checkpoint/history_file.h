// SPDX-License-Identifier: Apache-2.0
// The history of a training run as a safetensors file: one tensor a column, F64 and I64, so that
// every bit is kept; the experts' usage as [rows, MoE layers, experts]. Free of Eigen.
#pragma once

#include <filesystem>

#include "model/moe_gpt_config.h"
#include "model/train/training_history.h"

namespace moesim::model {

void write_history(const std::filesystem::path& path, const TrainingHistory& history);

// The history of `last_step` steps of `model`. Throws base::Error where the file is damaged, has
// not one record for each of the steps 1, 2, ... in order, or counts other experts than the
// model's.
TrainingHistory read_history(const std::filesystem::path& path, const MoeGptConfig& model,
                             int last_step);

}  // namespace moesim::model
