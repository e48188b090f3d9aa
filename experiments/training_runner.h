// SPDX-License-Identifier: Apache-2.0
// Trains the points of a training file, each in a folder of its own, and says what came of them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "experiments/backend_record.h"
#include "experiments/training_file.h"
#include "model/balance/expert_usage.h"
#include "model/train/training_history.h"

namespace moesim::model::cuda {
class Device;
}

namespace moesim::experiments {

// What a trained point comes to; result.json in its folder. Losses are mean cross entropies on the
// held-out part of the text; the experts' figures are those of the same windows.
struct TrainingResult {
  std::string name;
  std::map<std::string, base::JsonValue> swept;
  int steps = 0;
  double training_loss = 0;             // nats per byte, mean of the last twentieth of the steps
  double validation_loss = 0;           // nats per byte
  double validation_bits_per_byte = 0;  // the same / ln 2
  double unigram_bits_per_byte = 0;     // of byte statistics on the same windows' text
  double bigram_bits_per_byte = 0;
  double drop_rate = 0;           // share of (token, expert) pairs; 0 without MoE layers
  double max_over_mean_load = 1;  // of an expert, before drops; mean over the MoE layers
  int dead_experts = 0;           // never chosen, over all layers
  std::int64_t parameters = 0;
  std::int64_t active_parameters = 0;  // of a token
};

void describe(base::FieldTable& table, TrainingResult& result);

struct TrainingRunnerOptions {
  std::filesystem::path folder;  // a lone point's own; otherwise one folder a point below it
  int threads = 1;               // never changes a result
  model::cuda::Device* device = nullptr;  // that computes (docs/cuda.md); null: the processor does
  BackendRecord backend = {};             // the device or the processor, for provenance.json
  bool resume = false;                    // finished points are taken as they are, others go on
  std::function<bool()> stop;             // asked after every step; may be empty
  // After every step; may be empty.
  std::function<void(const TrainingPoint& point, const model::StepRecord& step,
                     std::optional<double> validation_loss)>
      progress;
};

// The point's own folder.
std::filesystem::path training_folder(const TrainingRunnerOptions& options,
                                      std::span<const TrainingPoint> points, std::size_t index);

// Trains point `index` and writes, besides what model::run_training() writes, result.json,
// loss.svg, expert_load.svg, load_over_time.svg and load_balancing.txt into its folder; when it
// begins, provenance.json. Nothing when it was stopped. Throws base::Error, also where the folder's
// checkpoints were trained in another arithmetic.
std::optional<TrainingResult> train_point(std::span<const TrainingPoint> points, std::size_t index,
                                          const TrainingRunnerOptions& options);

// A summary of one result, or a line for each of several; ends in a newline.
std::string training_summary(std::span<const TrainingResult> results);

// The validation loss against the values of the sweep's first axis, a line for each combination of
// the others, as SVG text.
std::string training_comparison_svg(std::span<const TrainingPoint> points,
                                    std::span<const TrainingResult> results);

// What a model's experts were used for. `routing` has one entry per pass and MoE layer, layers
// innermost.
model::ExpertUsage usage_of(const model::MoeGptConfig& config,
                            const std::vector<model::RoutingBatch>& routing);

// How much each expert was chosen, as a multiple of its layer's mean, as SVG text.
std::string expert_load_svg(const std::string& title, const model::MoeGptConfig& config,
                            const model::ExpertUsage& usage);

}  // namespace moesim::experiments
