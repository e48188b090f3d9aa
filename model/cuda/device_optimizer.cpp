// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_optimizer.h"

#include <cmath>
#include <numeric>

#include "model/cuda/kernel_list.h"

namespace moesim::model::cuda {

DeviceOptimizer::DeviceOptimizer(Device& device, const DeviceParameters& parameters,
                                 std::span<const LearningRun> runs, const OptimizerState& state)
    : device_(device), parameters_(parameters), runs_(runs), steps_(state.steps) {
  std::vector<ParameterPiece> pieces;
  for (const OptimizerChunk& chunk : cut_into_chunks(runs)) {
    const std::int64_t first = parameters.layout().first[chunk.run->parameter] + chunk.first;
    pieces.push_back(
        {first, static_cast<int>(chunk.size), static_cast<int>(chunk.run - runs.data())});
  }
  pieces_count_ = pieces.size();
  pieces_.upload(device, pieces);
  upload(state.momentum, momentum_);
  upload(state.variance, variance_);
  upload(state.masters, masters_);
}

void DeviceOptimizer::upload(const std::vector<Matrix<float>>& matrices, Buffer<float>& buffer) {
  if (matrices.empty()) return;
  float* const to = buffer.reserve(device_, static_cast<std::size_t>(parameters_.layout().size));
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    device_.upload(matrices[i].data(), to + parameters_.layout().first[i],
                   static_cast<std::size_t>(matrices[i].size()) * sizeof(float));
  }
}

void DeviceOptimizer::download(const Buffer<float>& buffer,
                               std::vector<Matrix<float>>& matrices) const {
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    device_.download(buffer.data() + parameters_.layout().first[i], matrices[i].data(),
                     static_cast<std::size_t>(matrices[i].size()) * sizeof(float));
  }
}

double DeviceOptimizer::gradient_norm() {
  const SumSquares kernel{pieces_.data(), parameters_.gradients(),
                          sums_.reserve(device_, pieces_count_)};
  launch(device_, kernel, static_cast<std::int64_t>(pieces_count_));
  const std::vector<double> sums = sums_.download();
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

OptimizerArrays DeviceOptimizer::arrays() const {
  OptimizerArrays arrays;
  const bool rounds = masters_.size() > 0;
  arrays.gradient = parameters_.gradients();
  arrays.weight = rounds ? masters_.data() : parameters_.values();
  arrays.working = rounds ? parameters_.values() : nullptr;
  arrays.first = momentum_.data();
  arrays.second = variance_.data();
  return arrays;
}

void DeviceOptimizer::run(const OptimizerStep& step) {
  ++steps_;
  const auto blocks = static_cast<std::int64_t>(pieces_count_);
  if (step.training.optimizer == OptimizerType::adamw) {
    std::vector<AdamwRates> rates;
    for (const LearningRun& run : runs_) rates.push_back(adamw_rates(step, run, steps_));
    launch(device_, StepByAdamw{pieces_.data(), adamw_rates_.upload(device_, rates), arrays()},
           blocks);
  } else {
    std::vector<SgdRates> rates;
    for (const LearningRun& run : runs_) rates.push_back(sgd_rates(step, run));
    launch(device_, StepBySgd{pieces_.data(), sgd_rates_.upload(device_, rates), arrays()}, blocks);
  }
}

void DeviceOptimizer::download(OptimizerState& state) const {
  state.steps = steps_;
  download(momentum_, state.momentum);
  download(variance_, state.variance);
  download(masters_, state.masters);
}

}  // namespace moesim::model::cuda
