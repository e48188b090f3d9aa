// SPDX-License-Identifier: Apache-2.0
// A model that trains in milliseconds, and comparisons of what came of it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/rng.h"
#include "model/train/trainer.h"
#include "tests/support/words_text.h"

namespace moesim::testing {

inline model::MoeGptConfig small_trained_model() {
  model::MoeGptConfig config;
  config.num_hidden_layers = 2;
  config.hidden_size = 16;
  config.num_attention_heads = 2;
  config.seq_length = 32;
  config.moe_intermediate_size = 8;
  config.router.num_experts = 8;
  config.router.top_k = 2;
  config.router.capacity_factor = 1.25;
  return config;
}

inline model::TrainingConfig small_training(int steps) {
  model::TrainingConfig training;
  training.steps = steps;
  training.batch_size = 4;
  training.learning_rate = 1e-2;
  training.weight_decay = 0.1;
  training.seed = 7;
  return training;
}

// One parameter's worth of an optimizer's work.
inline model::Parameter<float> parameter_of(model::Matrix<float>& matrix) {
  model::Parameter<float> parameter;
  parameter.name = "matrix";
  parameter.matrix = &matrix;
  return parameter;
}

inline void expect_same_matrices(const std::vector<model::Matrix<float>>& expected,
                                 const std::vector<model::Matrix<float>>& actual) {
  ASSERT_EQ(expected.size(), actual.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(expected[i], actual[i]) << i;
}

// Bit for bit, but that 0 equals -0; no test's weights turn on that.
inline void expect_same_weights(model::MoeGptWeights<float> expected,
                                model::MoeGptWeights<float> actual) {
  const auto left = parameters(expected);
  const auto right = parameters(actual);
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].name, right[i].name);
    EXPECT_EQ(*left[i].matrix, *right[i].matrix) << left[i].name;
  }
}

inline void expect_same_state(const model::TrainerState& expected,
                              const model::TrainerState& actual) {
  EXPECT_EQ(expected.step, actual.step);
  EXPECT_EQ(expected.history, actual.history);
  EXPECT_EQ(expected.optimizer.steps, actual.optimizer.steps);
  expect_same_matrices(expected.optimizer.momentum, actual.optimizer.momentum);
  expect_same_matrices(expected.optimizer.variance, actual.optimizer.variance);
  expect_same_matrices(expected.optimizer.masters, actual.optimizer.masters);
  expect_same_weights(expected.weights, actual.weights);
}

// A trainer's state after so many steps.
inline model::TrainerState trained_state(const model::MoeGptConfig& config,
                                         const model::TrainingConfig& training, int steps,
                                         int threads = 1) {
  const std::vector<std::uint8_t> text = words_text(600);
  model::Trainer trainer(config, training, text, threads);
  for (int i = 0; i < steps; ++i) trainer.step();
  return std::move(trainer).take_state();
}

}  // namespace moesim::testing
