// SPDX-License-Identifier: Apache-2.0
#include "model/surgery/distillation.h"

#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "base/error.h"
#include "model/cpu/cpu_backend.h"
#include "model/layers/moe_gpt.h"
#include "model/train/optimizer.h"
#include "model/train/schedule.h"
#include "model/train/text_parts.h"

namespace moesim::model {
namespace {

int first_moe_layer(const MoeGptConfig& config) {
  int layer = 0;
  while (layer < config.num_hidden_layers && !config.is_moe_layer(layer)) ++layer;
  if (layer < config.num_hidden_layers) return layer;
  throw base::Error("model", "the model has no MoE layer to distill", "use a model with experts");
}

double require_finite(double value, const std::string& what) {
  if (std::isfinite(value)) return value;
  throw base::Error("/training/learning_rate",
                    "distillation diverged: " + what + " is not a finite number",
                    "lower learning_rate, or clip_grad_norm, or lengthen warm_up_steps");
}

// Rates of what does not learn here.
void check_settings(const TrainingConfig& training) {
  validate(training, "/training");
  const auto fail = [](const std::string& key) {
    throw base::Error("/training/" + key,
                      "a dense feed-forward part alone is taught, and it has "
                      "no such rate",
                      "remove it");
  };
  if (!training.expert_learning_rates.empty()) fail("expert_learning_rates");
  for (const auto& [group, rate] : training.learning_rate_of) {
    if (group != "feed_forward") fail("learning_rate_of/" + group);
  }
}

// What the MoE layer sees and makes of it.
struct Lesson {
  Matrix<float> input;   // [tokens, hidden]
  Matrix<float> target;  // [tokens, hidden]
};

class Distillation {
 public:
  Distillation(const TrainingConfig& training, base::ThreadPool& threads,
               const MoeGptConfig& config, const MoeGptWeights<float>& weights)
      : training_(training),
        config_(config),
        weights_(weights),
        layer_(first_moe_layer(config)),
        shape_(block_shape(config_after_distillation(config), layer_).dense),
        threads_(threads),
        backend_(make_cpu_backend<float>(threads)),
        pass_{*backend_, threads} {
    base::Rng rng(training.seed, "distillation");
    student_ = random_experts<float>(config, shape_, rng);
    const auto values = student_parameters(student_);
    optimizer_ = fresh_optimizer(training, values);
    if (training.bf16_weights) round_weights(values);
  }

  int layer() const { return layer_; }
  // With bf16_weights before rounding.
  ExpertWeights<float> take_student() {
    std::vector<Matrix<float>>& masters = optimizer_.masters;
    const auto values = student_parameters(student_);
    for (std::size_t p = 0; p < masters.size(); ++p) *values[p].matrix = std::move(masters[p]);
    return std::move(student_);
  }

  Lesson teach(const ByteBatch& batch) const {
    const BlockShape shape = block_shape(config_, layer_);
    const TokenContext context{batch.inputs, config_.seq_length, layer_};
    const BlockWeights<float>& block = weights_.blocks[layer_];
    ForwardCache<float> before;
    const ResidualStream<float> stream{weights_, config_, pass_};
    Matrix<float>& x = stream.run(batch.inputs, layer_, before);
    BlockCache<float>& cache = before.block;
    TransformerBlock<float>{block, shape, context, pass_}.forward_attention(x, cache);
    Lesson lesson;
    MoeLayer<float>{block.moe, shape.moe, context, pass_}.forward(cache.ffn_input, cache.moe,
                                                                  lesson.target);
    lesson.input = std::move(cache.ffn_input);
    return lesson;
  }

  // The mean squared difference; `difference` is the student's output less the lesson's.
  double loss(const Lesson& lesson, ExpertCache<float>& cache, Matrix<float>& difference) const {
    const std::array<Index, 2> all{0, lesson.input.rows()};
    student().forward(all, lesson.input, cache, difference);
    difference -= lesson.target;
    return mean_square(difference);
  }
  double loss(const Lesson& lesson) const {
    ExpertCache<float> cache;
    Matrix<float> difference;
    return loss(lesson, cache, difference);
  }

  static double mean_square(const Matrix<float>& matrix) {
    return matrix.cast<double>().array().square().mean();
  }

  void train(std::span<const std::uint8_t> text);

 private:
  // The gradient of a step's loss.
  void run_passes(std::span<const std::uint8_t> text, int step, ExpertWeights<float>& gradient);
  Experts<float> student() const { return {student_, shape_, pass_}; }
  std::vector<Parameter<float>> student_parameters(ExpertWeights<float>& weights) const;

  const TrainingConfig& training_;
  const MoeGptConfig& config_;
  const MoeGptWeights<float>& weights_;
  int layer_;
  ExpertShape shape_;
  base::ThreadPool& threads_;
  std::unique_ptr<Backend<float>> backend_;
  Pass<float> pass_;
  ExpertWeights<float> student_;
  OptimizerState optimizer_;
  ExpertCache<float> cache_;
};

std::vector<Parameter<float>> Distillation::student_parameters(
    ExpertWeights<float>& weights) const {
  std::vector<Parameter<float>> list;
  for_each_matrix(weights, [&](Matrix<float>& matrix) {
    if (matrix.size() == 0) return;
    Parameter<float> parameter;
    parameter.group = ParameterGroup::feed_forward;
    parameter.decay =
        &matrix == &weights.gate || &matrix == &weights.up || &matrix == &weights.down;
    parameter.layer = layer_;
    parameter.matrix = &matrix;
    list.push_back(parameter);
  });
  return list;
}

void Distillation::train(std::span<const std::uint8_t> text) {
  ExpertWeights<float> gradient = student_;
  const auto values = student_parameters(student_);
  const auto slopes = student_parameters(gradient);
  const auto runs = plan_learning_runs(training_, values, config_.expert_sizes());
  for (int step = 1; step <= training_.steps; ++step) {
    run_passes(text, step, gradient);
    const double norm =
        require_finite(gradient_norm(runs, slopes, threads_), "its loss's gradient");
    const OptimizerStep optimizer_step{training_, runs, learning_rate_at(training_, step),
                                       clipping_scale(training_.clip_grad_norm, norm)};
    optimizer_step.run(slopes, values, optimizer_, threads_);
  }
}

void Distillation::run_passes(std::span<const std::uint8_t> text, int step,
                              ExpertWeights<float>& gradient) {
  const base::RandomField windows(training_.seed, "distillation windows");
  const int sequences = training_.batch_size / training_.micro_batches;
  auto draw =
      static_cast<std::uint64_t>(step - 1) * static_cast<std::uint64_t>(training_.batch_size);
  Matrix<float> d_output;
  Matrix<float> d_input;
  for (int i = 0; i < training_.micro_batches; ++i) {
    const Lesson lesson =
        teach(sample_windows(text, config_.seq_length, {windows, draw, sequences}));
    draw += static_cast<std::uint64_t>(sequences);
    require_finite(loss(lesson, cache_, d_output), "its loss");
    d_output *=
        2.0F / (static_cast<float>(d_output.size()) * static_cast<float>(training_.micro_batches));
    Pass<float> pass = pass_;
    pass.add_gradients = i > 0;
    Experts<float>{student_, shape_, pass}.backward(
        lesson.input, {.d_output = d_output, .d_input = d_input}, cache_, gradient);
  }
}

}  // namespace

MoeGptConfig config_after_distillation(const MoeGptConfig& config) {
  MoeGptConfig after = config;
  // The next MoE layer is moe_layer_freq further on; what lies between is dense already.
  after.first_k_dense_replace = first_moe_layer(config) + config.moe_layer_freq;
  if (after.first_k_dense_replace >= config.num_hidden_layers) {
    after.use_moe = false;
    after.first_k_dense_replace = 0;
  }
  return after;
}

DistillationReport distill_first_moe_layer(const TrainingConfig& training,
                                           std::span<const std::uint8_t> text,
                                           base::ThreadPool& threads, MoeGptConfig& config,
                                           MoeGptWeights<float>& weights) {
  check_settings(training);
  const std::size_t least = least_text(config.seq_length, training.validation_fraction);
  if (text.size() < least) {
    throw base::Error("/text",
                      "the text has " + std::to_string(text.size()) + " bytes, and at least " +
                          std::to_string(least) + " are needed",
                      "name a longer text");
  }
  const TextParts parts = cut_text(text, training.validation_fraction);
  Distillation distillation(training, threads, config, weights);
  const Lesson held_out = distillation.teach(
      spread_windows(parts.validation, training.validation_windows, config.seq_length));
  DistillationReport report;
  report.layer = distillation.layer();
  report.target_size = Distillation::mean_square(held_out.target);
  report.loss_before = distillation.loss(held_out);
  distillation.train(parts.training);
  report.loss_after = require_finite(distillation.loss(held_out), "its loss");
  BlockWeights<float>& block = weights.blocks[report.layer];
  block.moe = {};
  block.dense = distillation.take_student();
  config = config_after_distillation(config);
  return report;
}

}  // namespace moesim::model
