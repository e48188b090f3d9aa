// SPDX-License-Identifier: Apache-2.0
#include "model/train/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "model/train/optimizer_kernels.h"

namespace moesim::model {
namespace {

static_assert(static_cast<std::size_t>(ParameterGroup::head) + 1 == kParameterGroupNames.size(),
              "every parameter group has a name");

constexpr Index kChunkElements = 8192;

std::vector<Matrix<float>*> trained_matrices(std::span<const Parameter<float>> parameters) {
  std::vector<Matrix<float>*> matrices;
  for (const Parameter<float>& parameter : parameters) {
    if (parameter.trained) matrices.push_back(parameter.matrix);
  }
  return matrices;
}

double group_rate(const TrainingConfig& training, ParameterGroup group) {
  const auto found =
      training.learning_rate_of.find(kParameterGroupNames[static_cast<std::size_t>(group)]);
  return found == training.learning_rate_of.end() ? 1 : found->second;
}

// The multipliers of a layer's experts; empty: all 1.
std::vector<double> expert_rates(const TrainingConfig& training, int layer, std::size_t experts) {
  const auto& all = training.expert_learning_rates;
  if (all.empty()) return {};
  CHECK(static_cast<std::size_t>(layer) < all.size(), "every layer of experts has its list");
  const std::vector<double>& rates = all[static_cast<std::size_t>(layer)];
  CHECK(rates.empty() || rates.size() == experts, "a list has one multiplier for each expert");
  return rates;
}

// Where each expert's elements end in a matrix that is per expert: rows, or columns of one row, by
// the experts' units; or one row an expert.
std::vector<Index> expert_ends(const Matrix<float>& matrix, std::span<const int> expert_sizes) {
  const auto experts = static_cast<Index>(expert_sizes.size());
  std::vector<Index> ends;
  Index units = 0;
  for (const int size : expert_sizes) ends.push_back(units += size);
  const bool by_column = matrix.rows() == 1 && matrix.cols() == units;
  const Index width = by_column ? 1 : matrix.cols();
  if (!by_column && matrix.rows() != units) {
    CHECK(matrix.rows() == experts, "a parameter of experts has rows of units or of experts");
    for (Index e = 0; e < experts; ++e) ends[static_cast<std::size_t>(e)] = e + 1;
  }
  for (Index& end : ends) end *= width;
  return ends;
}

}  // namespace

std::vector<OptimizerChunk> cut_into_chunks(std::span<const LearningRun> runs) {
  std::vector<OptimizerChunk> chunks;
  for (const LearningRun& run : runs) {
    const Index end = run.first + run.size;
    for (Index first = run.first; first < end; first += kChunkElements) {
      chunks.push_back({&run, first, std::min(kChunkElements, end - first)});
    }
  }
  return chunks;
}

AdamwRates adamw_rates(const OptimizerStep& step, const LearningRun& run, int steps) {
  const TrainingConfig& training = step.training;
  const double rate = step.learning_rate * run.rate;
  AdamwRates rates;
  rates.gradient_scale = static_cast<float>(step.gradient_scale);
  rates.keep_weight = static_cast<float>(1 - rate * run.decay);
  rates.keep_first = static_cast<float>(training.beta1);
  rates.add_first = static_cast<float>(1 - training.beta1);
  rates.keep_second = static_cast<float>(training.beta2);
  rates.add_second = static_cast<float>(1 - training.beta2);
  rates.step_size = static_cast<float>(rate / (1 - std::pow(training.beta1, steps)));
  rates.second_correction = static_cast<float>(1 / (1 - std::pow(training.beta2, steps)));
  rates.epsilon = static_cast<float>(training.epsilon);
  return rates;
}

SgdRates sgd_rates(const OptimizerStep& step, const LearningRun& run) {
  const double rate = step.learning_rate * run.rate;
  SgdRates rates;
  rates.gradient_scale = static_cast<float>(step.gradient_scale);
  rates.keep_weight = static_cast<float>(1 - rate * run.decay);
  rates.momentum = static_cast<float>(step.training.momentum);
  rates.step_size = static_cast<float>(rate);
  return rates;
}

OptimizerState fresh_optimizer(const TrainingConfig& training,
                               std::span<const Parameter<float>> parameters) {
  OptimizerState state;
  for (const Matrix<float>* matrix : trained_matrices(parameters)) {
    state.momentum.push_back(Matrix<float>::Zero(matrix->rows(), matrix->cols()));
    if (training.optimizer == OptimizerType::adamw) {
      state.variance.push_back(Matrix<float>::Zero(matrix->rows(), matrix->cols()));
    }
    if (training.bf16_weights) state.masters.push_back(*matrix);
  }
  return state;
}

std::vector<LearningRun> plan_learning_runs(const TrainingConfig& training,
                                            std::span<const Parameter<float>> parameters,
                                            std::span<const int> expert_sizes) {
  std::vector<LearningRun> runs;
  std::size_t index = 0;
  for (const Parameter<float>& parameter : parameters) {
    if (!parameter.trained) continue;
    LearningRun run{index++, 0, parameter.matrix->size(), group_rate(training, parameter.group),
                    parameter.decay ? training.weight_decay : 0};
    if (run.rate == 0) continue;
    std::vector<double> rates;
    if (parameter.per_expert) rates = expert_rates(training, parameter.layer, expert_sizes.size());
    if (rates.empty()) {
      runs.push_back(run);
      continue;
    }
    const std::vector<Index> ends = expert_ends(*parameter.matrix, expert_sizes);
    for (std::size_t expert = 0; expert < ends.size(); ++expert) {
      LearningRun part = run;
      part.first = expert == 0 ? 0 : ends[expert - 1];
      part.size = ends[expert] - part.first;
      part.rate = run.rate * rates[expert];
      if (part.rate != 0) runs.push_back(part);
    }
  }
  return runs;
}

double gradient_norm(std::span<const LearningRun> runs, std::span<const Parameter<float>> gradients,
                     base::ThreadPool& threads) {
  const std::vector<Matrix<float>*> matrices = trained_matrices(gradients);
  const std::vector<OptimizerChunk> chunks = cut_into_chunks(runs);
  std::vector<double> sums(chunks.size());
  threads.run(static_cast<int>(chunks.size()), [&](int i) {
    const OptimizerChunk& chunk = chunks[static_cast<std::size_t>(i)];
    const float* values = matrices[chunk.run->parameter]->data() + chunk.first;
    sums[static_cast<std::size_t>(i)] = sum_of_squares(values, chunk.size);
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  return std::sqrt(sum);
}

double clipping_scale(double limit, double norm) {
  return limit > 0 && norm > limit ? limit / norm : 1.0;
}

void OptimizerStep::run(std::span<const Parameter<float>> gradients,
                        std::span<const Parameter<float>> weights, OptimizerState& state,
                        base::ThreadPool& threads) const {
  const std::vector<Matrix<float>*> slopes = trained_matrices(gradients);
  const std::vector<Matrix<float>*> values = trained_matrices(weights);
  const bool rounds = training.bf16_weights;
  ++state.steps;
  const std::vector<OptimizerChunk> chunks = cut_into_chunks(runs);
  threads.run(static_cast<int>(chunks.size()), [&](int i) {
    const OptimizerChunk& chunk = chunks[static_cast<std::size_t>(i)];
    const std::size_t p = chunk.run->parameter;
    const float* gradient = slopes[p]->data() + chunk.first;
    float* working = values[p]->data() + chunk.first;
    float* weight = rounds ? state.masters[p].data() + chunk.first : working;
    float* first = state.momentum[p].data() + chunk.first;
    if (training.optimizer == OptimizerType::adamw) {
      float* second = state.variance[p].data() + chunk.first;
      adamw_update(adamw_rates(*this, *chunk.run, state.steps), chunk.size, gradient,
                   {weight, first, second});
    } else {
      sgd_update(sgd_rates(*this, *chunk.run), chunk.size, gradient, weight, first);
    }
    if (rounds) round_to_bfloat16(weight, chunk.size, working);
  });
}

void round_weights(std::span<const Parameter<float>> weights) {
  for (Matrix<float>* matrix : trained_matrices(weights)) {
    round_to_bfloat16(matrix->data(), matrix->size(), matrix->data());
  }
}

}  // namespace moesim::model
