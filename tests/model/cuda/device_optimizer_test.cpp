// SPDX-License-Identifier: Apache-2.0
// The processor's optimizer is the reference, bit for bit.
#include "model/cuda/device_optimizer.h"

#include <gtest/gtest.h>

#include "tests/model/train/small_training.h"
#include "tests/support/device_model.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::DeviceModel;
using moesim::testing::expect_same_matrices;
using moesim::testing::on_each_device;
using moesim::testing::small_model;

// Three steps down a gradient that stays.
void expect_same_steps(Device& device, const TrainingConfig& training) {
  MoeGptConfig config = small_model();
  config.hidden_size = 72;  // an embedding of more than two of the processor's chunks
  DeviceModel one(device, config);
  base::ThreadPool threads(2);
  base::Rng rng(1, "gradient");
  MoeGptWeights<float> expected = one.weights;
  for (const Parameter<float>& parameter : parameters(one.gradient)) {
    for (Index i = 0; i < parameter.matrix->size(); ++i) {
      parameter.matrix->data()[i] = static_cast<float>(rng.normal());
    }
  }
  const auto weights = parameters(one.weights);
  const auto gradients = parameters(one.gradient);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    one.parameters.upload_gradient(*weights[i].matrix, *gradients[i].matrix);
  }
  const std::vector<LearningRun> runs =
      plan_learning_runs(training, weights, config.expert_sizes());
  OptimizerState state = fresh_optimizer(training, parameters(expected));
  OptimizerState on_state = state;
  DeviceOptimizer optimizer(device, one.parameters, runs, on_state);
  EXPECT_EQ(optimizer.gradient_norm(), gradient_norm(runs, gradients, threads));
  for (int i = 0; i < 3; ++i) {
    const OptimizerStep step{training, runs, 0.01, 0.7};
    step.run(gradients, parameters(expected), state, threads);
    optimizer.run(step);
  }
  optimizer.download(on_state);
  one.parameters.download();
  EXPECT_EQ(on_state.steps, state.steps);
  expect_same_matrices(state.momentum, on_state.momentum);
  expect_same_matrices(state.variance, on_state.variance);
  expect_same_matrices(state.masters, on_state.masters);
  moesim::testing::expect_same_weights(expected, one.weights);
}

TEST(DeviceOptimizer, StepsByAdamw) {
  on_each_device([](Device& device) {
    TrainingConfig training;
    training.weight_decay = 0.1;
    training.learning_rate_of = {{"expert", 2}, {"router", 0}};
    expect_same_steps(device, training);
  });
}

TEST(DeviceOptimizer, RoundsToBfloat16) {
  on_each_device([](Device& device) {
    TrainingConfig training;
    training.bf16_weights = true;
    expect_same_steps(device, training);
  });
}

TEST(DeviceOptimizer, StepsBySgd) {
  on_each_device([](Device& device) {
    TrainingConfig training;
    training.optimizer = OptimizerType::sgd;
    training.weight_decay = 0.1;
    expect_same_steps(device, training);
  });
}

}  // namespace
}  // namespace moesim::model::cuda
