// SPDX-License-Identifier: Apache-2.0
#include "model/checkpoint/checkpoint.h"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file_bytes.h"
#include "base/sha256.h"
#include "model/checkpoint/checkpoint_folder.h"
#include "model/checkpoint/history_file.h"
#include "model/checkpoint/optimizer_file.h"
#include "model/checkpoint/weights_file.h"

namespace moesim::model {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModel = "model.safetensors";
constexpr const char* kOptimizer = "optimizer.safetensors";
constexpr const char* kHistory = "history.safetensors";
constexpr std::array<const char*, 3> kFiles = {kModel, kOptimizer, kHistory};

const std::string kEarlier = "use an earlier checkpoint";

CheckpointManifest manifest_of(const CheckpointSubject& subject, const TrainerState& state,
                               const fs::path& folder) {
  CheckpointManifest manifest;
  manifest.format = kCheckpointFormat;
  manifest.format_version = kCheckpointVersion;
  manifest.step = state.step;
  const TrainingHistory& history = state.history;
  if (!history.steps.empty()) manifest.training_loss = history.steps.back().loss;
  if (!history.validations.empty()) manifest.validation_loss = history.validations.back().loss;
  manifest.text = subject.text;
  manifest.model = subject.model;
  manifest.training = subject.training;
  for (const char* file : kFiles)
    manifest.files[file] = base::sha256_of_file(folder / file, kEarlier);
  return manifest;
}

// Other JSON files get one plain word instead of a complaint about their first key.
void check_format(const base::JsonValue& json, const fs::path& path) {
  const base::JsonValue* format = json.find("format");
  if (format == nullptr || format->text != kCheckpointFormat) {
    throw base::Error(path.string(), "this is not a checkpoint of moesim",
                      "name a folder that a training run wrote");
  }
  const base::JsonValue* version = json.find("format_version");
  if (version == nullptr || version->number != kCheckpointVersion) {
    throw base::Error(path.string() + "  /format_version",
                      "the checkpoint's format is not version " +
                          std::to_string(kCheckpointVersion) + ", the one that is read here",
                      "read it with the program that wrote it");
  }
}

CheckpointManifest read_manifest(const fs::path& folder) {
  const fs::path path = folder / kCheckpointManifest;
  const base::JsonValue json = base::read_json_file(path);
  check_format(json, path);
  CheckpointManifest manifest;
  base::ReadReport report;
  read_json(json, manifest, report);
  validate(manifest.model, path.string() + "  /model");
  validate(manifest.training, path.string() + "  /training");
  return manifest;
}

void check_hash(const CheckpointManifest& manifest, const fs::path& folder, const char* file) {
  const auto expected = manifest.files.find(file);
  if (expected == manifest.files.end()) {
    throw base::Error((folder / kCheckpointManifest).string() + "  /files",
                      "there is no hash of " + std::string(file), kEarlier);
  }
  if (base::sha256_of_file(folder / file, kEarlier) == expected->second) return;
  throw base::Error((folder / file).string(),
                    "the file is not the one that was written: its sha256 differs from the one in "
                    "checkpoint.json",
                    kEarlier);
}

}  // namespace

void describe(base::FieldTable& table, TextIdentity& text) {
  table.title("text_identity", "A text, by its bytes.");
  table.field("bytes", text.bytes, "How many.").required();
  table.field("sha256", text.sha256, "Their hash.").required();
}

void describe(base::FieldTable& table, CheckpointManifest& manifest) {
  table.title("checkpoint", "A training run at a step.");
  table.field("format", manifest.format, "\"moesim checkpoint\".").required();
  table.field("format_version", manifest.format_version, "Version of the format.").required();
  table.field("step", manifest.step, "Steps done.").required().at_least(0);
  table.field("training_loss", manifest.training_loss,
              "Cross entropy of the last step's batch, nats per byte.");
  table.field("validation_loss", manifest.validation_loss,
              "Cross entropy of the last validation, nats per byte.");
  table.field("text", manifest.text, "The text that was trained on.").required();
  table.field("model", manifest.model, "The model.").required();
  table.field("training", manifest.training, "How it was trained.").required();
  table.field("files", manifest.files, "SHA-256 of the files beside this one.").required();
}

TextIdentity identify_text(std::span<const std::uint8_t> text) {
  const std::string_view bytes(reinterpret_cast<const char*>(text.data()), text.size());
  return {text.size(), base::sha256_hex(bytes)};
}

void save_checkpoint(const fs::path& root, const CheckpointSubject& subject,
                     const TrainerState& state) {
  add_checkpoint(root, state.step, [&](const fs::path& folder) {
    write_weights(folder / kModel, state.weights, subject.training.bf16_weights);
    write_optimizer(folder / kOptimizer, state.optimizer, parameters_to_read(state.weights));
    write_history(folder / kHistory, state.history);
    const std::string text = base::write_json(manifest_of(subject, state, folder));
    const std::array<std::string_view, 1> parts = {text};
    base::write_file_atomically(folder / kCheckpointManifest, parts);
  });
}

Checkpoint load_checkpoint(const fs::path& path) {
  const fs::path folder = find_checkpoint(path);
  TrainedModel model = load_trained_model(folder);
  const CheckpointManifest& manifest = model.manifest;
  check_hash(manifest, folder, kOptimizer);
  check_hash(manifest, folder, kHistory);
  Checkpoint checkpoint{{manifest.model, manifest.training, manifest.text}, {}};
  checkpoint.state.step = manifest.step;
  checkpoint.state.optimizer =
      read_optimizer(folder / kOptimizer, manifest.training, parameters_to_read(model.weights));
  checkpoint.state.optimizer.steps = manifest.step;
  checkpoint.state.history = read_history(folder / kHistory, manifest.model, manifest.step);
  checkpoint.state.weights = std::move(model.weights);
  return checkpoint;
}

TrainedModel load_trained_model(const fs::path& path) {
  const fs::path folder = find_checkpoint(path);
  TrainedModel model{read_manifest(folder), {}};
  check_hash(model.manifest, folder, kModel);
  model.weights = read_weights(folder / kModel, model.manifest.model);
  return model;
}

}  // namespace moesim::model
