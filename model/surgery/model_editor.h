// SPDX-License-Identifier: Apache-2.0
// A trained model changed in shape, so that its training goes on. The door to surgery for programs
// that do not see Eigen.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "model/moe_gpt_config.h"
#include "model/train/training_config.h"

namespace moesim::model {

struct ModelFigures {
  int moe_layers = 0;
  int experts = 0;  // of each MoE layer; 0 without any
  std::int64_t parameters = 0;
  // Mean cross entropy on the held-out windows of the text, nats per byte (TrainedGpt::judge).
  double loss = 0;
};

struct DistilledLayer {
  int layer = 0;  // the block that is dense now
  // Mean squared difference from the MoE layer's outputs on held-out windows, as a part of their
  // mean square: 1 is what an output of zeros would have.
  double error = 0;
};

struct PublishedLayer {
  std::vector<std::filesystem::path> shards;
  int layer = 0;  // of the published model
  int into = 0;   // the block of ours
};

struct ImportedLayer {
  // The published layer's shared expert has a gate of its own, and was left out.
  bool left_shared_expert_out = false;
};

// An edit that throws has changed nothing. Errors about an edit have the command's flag as their
// place.
class ModelEditor {
 public:
  // `checkpoint` as for TrainedGpt; `text` is a file or a folder ("": the program's own text) on
  // which usage is counted, layers are distilled and losses are measured, with the training's
  // held-out part. Throws base::Error as load_checkpoint and read_text, and where the text is too
  // short.
  ModelEditor(const std::filesystem::path& checkpoint, const std::filesystem::path& text,
              int threads);
  ~ModelEditor();

  const MoeGptConfig& config() const;
  const TrainingConfig& training() const;
  int steps() const;
  bool was_trained_on_text() const;  // on these very bytes
  ModelFigures figures() const;

  // Keeps the most used experts of every MoE layer, those of the lower numbers where equal.
  void prune(int kept);
  // Adds copies of the most used experts of every MoE layer, one of each, with a little noise.
  void add_copies(int count);
  // Removes these experts from every MoE layer.
  void remove(std::span<const int> experts);
  // Teaches the lowest MoE layer's work to a dense part, for so many steps. Its width is
  // intermediate_size, or where all layers are MoE so much that a token's work stays the same.
  DistilledLayer distill(int steps);
  // Takes router and experts over (layer_import.h).
  ImportedLayer import_layer(const PublishedLayer& published);

  // Adds a checkpoint of the model to a folder of checkpoints, of a training on the text.
  void save(const std::filesystem::path& checkpoints) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moesim::model
