// SPDX-License-Identifier: Apache-2.0
// Trains a MoE-GPT on a text. A step's batch is cut into at most four shards of whole sequences,
// whatever the number of threads; each shard is a rank of its own, with its own capacity and its
// own balancing loss, and the shards' gradients are added in order. So the weights are the same,
// bit for bit, for any number of threads; more than four threads do not help.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/rng.h"
#include "model/layers/moe_gpt.h"
#include "model/train/training_report.h"

namespace moesim::model {

struct TrainingConfig {
  int batch_size = 8;  // sequences per step
  int steps = 0;       // the first tenth of them warms the learning rate up
  double learning_rate = 3e-3;
  int num_threads = 1;
  std::function<void(int done, int steps)> progress = {};  // after every step; may be empty
};

// The bytes that the last tenth of the text, held out from training, begins after.
std::size_t training_bytes(std::size_t text_bytes);

// The least text that has a window and its next byte in the held-out tenth.
std::size_t least_training_text(int seq_length);

// Trains `weights` in place; `rng` draws the batches. The validation loss is over at most 32
// windows spread evenly over the held-out part. The text has least_training_text() bytes. Throws
// base::Error when the loss stops being finite.
TrainingReport train(const TrainingConfig& config, const MoeGptShape& shape,
                     std::span<const std::uint8_t> text, MoeGptWeights<float>& weights,
                     base::Rng& rng);

}  // namespace moesim::model
