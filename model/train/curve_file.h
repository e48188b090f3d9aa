// SPDX-License-Identifier: Apache-2.0
// A training's history as CSV: step, training_loss, balance_loss, grad_norm, learning_rate, tokens,
// validation_loss (empty where there was no validation). Losses in nats per byte. Free of Eigen.
#pragma once

#include <filesystem>
#include <fstream>
#include <optional>

#include "model/train/training_history.h"

namespace moesim::model {

class CurveFile {
 public:
  // Writes the file anew, with the history so far. Throws base::Error where it cannot.
  CurveFile(const std::filesystem::path& path, const TrainingHistory& history);

  // Adds a row, which is in the file when the call returns.
  void add(const StepRecord& record, std::optional<double> validation_loss);

 private:
  void flush();

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace moesim::model
