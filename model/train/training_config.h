// SPDX-License-Identifier: Apache-2.0
// How a MoE-GPT is trained: the settings that a file can name. Free of Eigen.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "model/moe_gpt_config.h"

namespace moesim::model {

enum class OptimizerType {
  adamw,  // Adam with decoupled weight decay (arXiv 1711.05101, algorithm 2)
  sgd,    // stochastic gradient descent with momentum, PyTorch's form; the same decay
};
base::EnumNames<OptimizerType> names_of(OptimizerType);

enum class ScheduleType {
  cosine,    // falls to the floor along half a cosine (arXiv 1608.03983, eq. 5, one cycle)
  constant,  // stays
};
base::EnumNames<ScheduleType> names_of(ScheduleType);

// The names of ParameterGroup (layers/moe_gpt.h), in its order.
constexpr std::array<const char*, 7> kParameterGroupNames = {
    "embedding", "attention", "norm", "router", "expert", "feed_forward", "head"};

struct TrainingConfig {
  int steps = 1000;
  int batch_size = 8;     // sequences of a step
  int micro_batches = 1;  // passes that a step's sequences are cut into; divides batch_size

  double learning_rate = 3e-3;           // the peak, after warm-up
  double min_learning_rate_ratio = 0.1;  // the cosine's floor as a part of the peak
  int warm_up_steps = 0;                 // step s (from 1) of these runs at s / warm_up_steps
  ScheduleType schedule = ScheduleType::cosine;
  // Multipliers of the learning rate by parameter group; 1 where absent, 0 freezes the group.
  std::map<std::string, double> learning_rate_of;
  // Further multipliers of the experts' own, [layers][num_experts]; an empty row: all 1. Empty: all
  // 1 in all layers.
  std::vector<std::vector<double>> expert_learning_rates;

  OptimizerType optimizer = OptimizerType::adamw;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-8;
  double momentum = 0.9;  // sgd
  double weight_decay = 0;
  double clip_grad_norm = 1;  // the largest norm of all gradients together; 0: no limit

  // Weights are rounded to bf16 after every step; the optimizer keeps them in fp32 besides.
  bool bf16_weights = false;
  bool recompute_activations = false;  // keep a block's input only; the same bits, less memory

  std::uint64_t seed = 0;
  double validation_fraction = 0.1;  // the last part of the text, held out; 1e-6 to 0.5
  int validation_every = 0;          // steps between validations; 0: only after the last
  int validation_windows = 32;       // at most so many, spread evenly
  int checkpoint_every = 0;          // steps between checkpoints; 0: only after the last

  bool operator==(const TrainingConfig&) const = default;
};

void describe(base::FieldTable& table, TrainingConfig& training);

// Throws base::Error, its place below the JSON pointer `where`, where settings do not fit together:
// micro_batches that do not divide batch_size, an unknown group in learning_rate_of, ...
void validate(const TrainingConfig& training, const std::string& where);

// Validates both, as <where>/model and <where>/training, and that they fit each other: every
// learning rate is of a part that the model has, a pass is not too large to be counted, and the
// model not too large to be trained.
void validate(const MoeGptConfig& model, const TrainingConfig& training, const std::string& where);

}  // namespace moesim::model
