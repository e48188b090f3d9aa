// SPDX-License-Identifier: Apache-2.0
#include "model/train/adam.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/parallel.h"

namespace moesim::model {
namespace {

constexpr Index kChunkElements = 4096;  // 16 KiB of each array: a chunk's arrays fit the L2 cache
constexpr int kPieces = 16;             // of one step, shared out among threads

using Values = Eigen::Array<float, Eigen::Dynamic, 1>;

}  // namespace

Adam::Adam(const AdamConfig& config, std::vector<Matrix<float>*> parameters)
    : config_(config), parameters_(std::move(parameters)) {
  for (std::size_t p = 0; p < parameters_.size(); ++p) {
    const Matrix<float>& values = *parameters_[p];
    first_moments_.push_back(Matrix<float>::Zero(values.rows(), values.cols()));
    second_moments_.push_back(Matrix<float>::Zero(values.rows(), values.cols()));
    for (Index first = 0; first < values.size(); first += kChunkElements) {
      chunks_.push_back({p, first, std::min(kChunkElements, values.size() - first)});
    }
  }
}

void Adam::update(const Chunk& chunk, const Rates& rates,
                  const std::vector<std::vector<Matrix<float>*>>& gradients) {
  const auto part = [&](Matrix<float>& whole) {
    return Values::Map(whole.data() + chunk.first, chunk.size);
  };
  Values gradient = part(*gradients[0][chunk.parameter]);
  for (std::size_t shard = 1; shard < gradients.size(); ++shard) {
    gradient += part(*gradients[shard][chunk.parameter]);
  }
  const auto beta1 = static_cast<float>(config_.beta1);
  const auto beta2 = static_cast<float>(config_.beta2);
  auto first = part(first_moments_[chunk.parameter]);
  auto second = part(second_moments_[chunk.parameter]);
  first = beta1 * first + (1 - beta1) * gradient;
  second = beta2 * second + (1 - beta2) * gradient.square();
  part(*parameters_[chunk.parameter]) -=
      rates.step_size * first /
      ((second * rates.second_moment_correction).sqrt() + static_cast<float>(config_.epsilon));
}

void Adam::step(const std::vector<std::vector<Matrix<float>*>>& gradients, int num_threads) {
  ++steps_;
  const double warmth =
      steps_ < config_.warm_up_steps ? static_cast<double>(steps_) / config_.warm_up_steps : 1.0;
  const Rates rates{
      static_cast<float>(config_.learning_rate * warmth / (1 - std::pow(config_.beta1, steps_))),
      static_cast<float>(1 / (1 - std::pow(config_.beta2, steps_)))};
  base::parallel_for(kPieces, num_threads, [&](int piece) {
    const std::size_t begin = chunks_.size() * piece / kPieces;
    const std::size_t end = chunks_.size() * (piece + 1) / kPieces;
    for (std::size_t c = begin; c < end; ++c) update(chunks_[c], rates, gradients);
  });
}

}  // namespace moesim::model
