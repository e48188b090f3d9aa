// SPDX-License-Identifier: Apache-2.0
// A whole training run in a folder (this header is free of Eigen):
//   config.json   the effective configuration
//   curve.csv     one row a step
//   checkpoints/  see checkpoint/checkpoint_folder.h
// A run that was stopped or killed goes on from its last checkpoint and ends in the same bits.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/moe_gpt_config.h"
#include "model/train/training_config.h"
#include "model/train/training_history.h"

namespace moesim::model {

// What a file that is trained names.
struct TrainingRunConfig {
  std::string text;  // file or folder, for readers of config.json; "": the program's own text
  MoeGptConfig model;
  TrainingConfig training;

  bool operator==(const TrainingRunConfig&) const = default;
};

void describe(base::FieldTable& table, TrainingRunConfig& run);

namespace cuda {
class Device;
}

struct RunOptions {
  std::filesystem::path folder;  // of the results; made where it is missing
  int threads = 1;
  bool resume = false;  // go on from the folder's last checkpoint, if it has one
  // After every step, with the validation loss where there was a validation; may be empty.
  std::function<void(const StepReport& report, std::optional<double> validation_loss)> progress;
  // Asked after every step: true ends the run with a checkpoint; may be empty.
  std::function<bool()> stop;
  // That computes, with the bits that docs/cuda.md says; null: the processor does.
  cuda::Device* device = nullptr;
  // Before the first step, when nothing is in the way of it and the folder is there; may be empty.
  std::function<void()> begun = {};
};

struct TrainingOutcome {
  bool finished = false;  // false: stopped
  TrainingHistory history;
  // The gate's decisions on the held-out windows after the last step: one entry per pass and MoE
  // layer, layers innermost; empty when stopped.
  std::vector<RoutingBatch> validation_routing;
  double unigram_bits_per_byte = 0;  // byte_baselines.h, on the same held-out part
  double bigram_bits_per_byte = 0;
};

// Throws base::Error where settings are out of place, the text is too short, training diverges, the
// folder holds a run already (without `resume`), or what it holds is damaged or of another
// configuration. Going on, only steps, recompute_activations and what is said about validations and
// checkpoints may differ from before; steps not to fewer than were taken.
TrainingOutcome run_training(const TrainingRunConfig& run, std::span<const std::uint8_t> text,
                             const RunOptions& options);

}  // namespace moesim::model
