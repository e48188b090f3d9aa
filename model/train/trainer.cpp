// SPDX-License-Identifier: Apache-2.0
#include "model/train/trainer.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "model/train/adam.h"
#include "model/train/batch_sampler.h"

namespace moesim::model {
namespace {

constexpr int kMostShards = 4;
constexpr int kValidationWindows = 32;

// One shard's share of a batch and everything it writes.
struct Shard {
  std::size_t first_token = 0;
  std::size_t tokens = 0;
  double share = 0;  // of the batch's tokens
  MoeGptLoss loss;
  MoeGptCache<float> cache;
  MoeGptWeights<float> gradient;
};

std::vector<Matrix<float>*> matrices(MoeGptWeights<float>& weights) {
  std::vector<Matrix<float>*> list;
  for (const NamedMatrix<float>& parameter : parameters(weights)) list.push_back(parameter.matrix);
  return list;
}

std::vector<Shard> make_shards(std::size_t sequences, int seq_length) {
  const std::size_t count = std::min<std::size_t>(sequences, kMostShards);
  std::vector<Shard> shards(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = sequences * i / count;
    const std::size_t end = sequences * (i + 1) / count;
    shards[i].first_token = begin * seq_length;
    shards[i].tokens = (end - begin) * seq_length;
    shards[i].share = static_cast<double>(end - begin) / static_cast<double>(sequences);
  }
  return shards;
}

struct ShardBytes {
  std::span<const std::uint8_t> inputs;
  std::span<const std::uint8_t> targets;
};

ShardBytes bytes_of(const Shard& shard, const ByteBatch& batch) {
  return {std::span(batch.inputs).subspan(shard.first_token, shard.tokens),
          std::span(batch.targets).subspan(shard.first_token, shard.tokens)};
}

double mean_cross_entropy(const std::vector<Shard>& shards) {
  double mean = 0;
  for (const Shard& shard : shards) mean += shard.share * shard.loss.cross_entropy;
  return mean;
}

double validate(const TrainingConfig& config, const MoeGptShape& shape,
                std::span<const std::uint8_t> held_out, const MoeGptWeights<float>& weights) {
  const int seq_length = shape.block.attention.seq_length;
  const ByteBatch batch = spread_batch(held_out, kValidationWindows, seq_length);
  std::vector<Shard> shards = make_shards(batch.inputs.size() / seq_length, seq_length);
  base::parallel_for(static_cast<int>(shards.size()), config.num_threads, [&](int i) {
    const ShardBytes bytes = bytes_of(shards[i], batch);
    shards[i].loss = moe_gpt_loss(weights, shape, bytes.inputs, bytes.targets, shards[i].cache);
  });
  return mean_cross_entropy(shards);
}

void require_finite(double loss, int step) {
  if (std::isfinite(loss)) return;
  throw base::Error(
      "learning_rate",
      "training diverged: the loss of step " + std::to_string(step + 1) + " is not a finite number",
      "lower learning_rate");
}

}  // namespace

std::size_t training_bytes(std::size_t text_bytes) { return text_bytes - text_bytes / 10; }

std::size_t least_training_text(int seq_length) {
  return 10 * (static_cast<std::size_t>(seq_length) + 1);
}

TrainingReport train(const TrainingConfig& config, const MoeGptShape& shape,
                     std::span<const std::uint8_t> text, MoeGptWeights<float>& weights,
                     base::Rng& rng) {
  const int seq_length = shape.block.attention.seq_length;
  const std::span<const std::uint8_t> seen = text.first(training_bytes(text.size()));
  std::vector<Shard> shards = make_shards(config.batch_size, seq_length);
  std::vector<std::vector<Matrix<float>*>> gradients;
  for (Shard& shard : shards) {
    shard.gradient = zero_gradient(weights);
    gradients.push_back(matrices(shard.gradient));
  }
  Adam adam({.learning_rate = config.learning_rate, .warm_up_steps = config.steps / 10},
            matrices(weights));
  TrainingReport report;
  for (int step = 0; step < config.steps; ++step) {
    const ByteBatch batch = sample_batch(seen, config.batch_size, seq_length, rng);
    base::parallel_for(static_cast<int>(shards.size()), config.num_threads, [&](int i) {
      Shard& shard = shards[i];
      const auto [inputs, targets] = bytes_of(shard, batch);
      shard.loss = moe_gpt_loss(weights, shape, inputs, targets, shard.cache);
      MoeGptBackward<float>{weights, shape, shard.share}.run(shard.cache, inputs, targets,
                                                             shard.gradient);
    });
    report.train_loss.push_back(mean_cross_entropy(shards));
    require_finite(report.train_loss.back(), step);
    adam.step(gradients, config.num_threads);
    if (config.progress) config.progress(step + 1, config.steps);
  }
  report.validation_loss =
      validate(config, shape, text.subspan(training_bytes(text.size())), weights);
  require_finite(report.validation_loss, config.steps);
  return report;
}

}  // namespace moesim::model
