// SPDX-License-Identifier: Apache-2.0
// A training run at a step, as a folder: `checkpoint.json` (configuration, counters, hashes of the
// files), `model.safetensors` (weights), `optimizer.safetensors` (moments, fp32 masters) and
// `history.safetensors` (losses of all steps). What a step draws depends on seed and step alone, so
// the step is the position in the data; a run that goes on takes the same steps, bit for bit.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "model/moe_gpt_config.h"
#include "model/train/trainer.h"
#include "model/train/training_config.h"

namespace moesim::model {

// The text that was trained on, by its bytes.
struct TextIdentity {
  std::uint64_t bytes = 0;
  std::string sha256;

  bool operator==(const TextIdentity&) const = default;
};
TextIdentity identify_text(std::span<const std::uint8_t> text);

// What checkpoint.json holds.
struct CheckpointManifest {
  std::string format;                     // kCheckpointFormat
  int format_version = 0;                 // kCheckpointVersion
  int step = 0;                           // steps done
  std::optional<double> training_loss;    // of the last step, for readers
  std::optional<double> validation_loss;  // the last one, for readers
  TextIdentity text;
  MoeGptConfig model;
  TrainingConfig training;
  std::map<std::string, std::string> files;  // sha256 by name
};

constexpr const char* kCheckpointFormat = "moesim checkpoint";
constexpr int kCheckpointVersion = 1;

void describe(base::FieldTable& table, TextIdentity& text);
void describe(base::FieldTable& table, CheckpointManifest& manifest);

// What was trained, and on what.
struct CheckpointSubject {
  MoeGptConfig model;
  TrainingConfig training;
  TextIdentity text;
};

struct Checkpoint {
  CheckpointSubject subject;
  TrainerState state;
};

// Adds a checkpoint to the folder `root` (checkpoint_folder.h). Throws base::Error where it cannot
// be written.
void save_checkpoint(const std::filesystem::path& root, const CheckpointSubject& subject,
                     const TrainerState& state);

// The checkpoint that `path` means (find_checkpoint): one, or the latest of a run.
// Throws base::Error at file, tensor or JSON place where anything is missing, damaged (its hash
// differs), foreign, of another version, or does not fit the configuration.
Checkpoint load_checkpoint(const std::filesystem::path& path);

// Its configuration and weights alone, for those who do not train on.
struct TrainedModel {
  CheckpointManifest manifest;
  MoeGptWeights<float> weights;
};
TrainedModel load_trained_model(const std::filesystem::path& path);

}  // namespace moesim::model
