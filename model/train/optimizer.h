// SPDX-License-Identifier: Apache-2.0
// The step from gradients to new weights. State is a plain value, so that a checkpoint can hold it;
// a step reads and writes each array once, in chunks that the threads share out, with the same bits
// for any number of threads.
#pragma once

#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "model/layers/moe_gpt.h"
#include "model/matrix.h"
#include "model/train/optimizer_element.h"
#include "model/train/training_config.h"

namespace moesim::model {

// One entry per trained parameter, in the order of parameters(), and of its shape.
struct OptimizerState {
  int steps = 0;                        // taken so far
  std::vector<Matrix<float>> momentum;  // first moments (adamw), velocities (sgd)
  std::vector<Matrix<float>> variance;  // second moments; adamw only
  std::vector<Matrix<float>> masters;   // the weights before rounding; bf16_weights only
};

// Zero moments; with bf16_weights the masters are the weights as they are, which round_weights then
// rounds.
OptimizerState fresh_optimizer(const TrainingConfig& training,
                               std::span<const Parameter<float>> parameters);

// Consecutive elements of one parameter that learn at the same rate.
struct LearningRun {
  std::size_t parameter = 0;  // among the trained ones
  Index first = 0;
  Index size = 0;
  double rate = 1;   // multiplier of the learning rate
  double decay = 0;  // weight decay; 0 for norms and biases
};

// The runs of all trained parameters, without those whose rate is 0 (frozen). `expert_sizes` are
// MoeGptConfig::expert_sizes(). `training` is one that validate() accepts for the model.
std::vector<LearningRun> plan_learning_runs(const TrainingConfig& training,
                                            std::span<const Parameter<float>> parameters,
                                            std::span<const int> expert_sizes);

// The square root of the sum of squares of the runs' gradients, added in double in a fixed order.
double gradient_norm(std::span<const LearningRun> runs, std::span<const Parameter<float>> gradients,
                     base::ThreadPool& threads);

// What gradients of this norm are multiplied by to come within `limit`; 0: no limit.
double clipping_scale(double limit, double norm);

struct OptimizerStep {
  const TrainingConfig& training;
  std::span<const LearningRun> runs;
  double learning_rate = 0;   // of this step, before multipliers
  double gradient_scale = 1;  // multiplies every gradient: clipping

  // One step of `weights` down `gradients`, both from parameters() of the same shapes.
  //   adamw: m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
  //          w = w - lr decay w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
  //   sgd:   m = momentum m + g; w = w - lr decay w - lr m
  void run(std::span<const Parameter<float>> gradients, std::span<const Parameter<float>> weights,
           OptimizerState& state, base::ThreadPool& threads) const;
};

// Elements of one run that a thread, or a block of the device, takes: 32 KiB of each array, so that
// they fit a processor's L2 cache.
struct OptimizerChunk {
  const LearningRun* run = nullptr;
  Index first = 0;  // within the parameter
  Index size = 0;
};
// The runs in pieces whose sizes do not depend on the number of threads.
std::vector<OptimizerChunk> cut_into_chunks(std::span<const LearningRun> runs);

// The numbers of a run's elements in step `steps`, counted from 1.
AdamwRates adamw_rates(const OptimizerStep& step, const LearningRun& run, int steps);
SgdRates sgd_rates(const OptimizerStep& step, const LearningRun& run);

// Rounds the trained parameters to bf16.
void round_weights(std::span<const Parameter<float>> weights);

}  // namespace moesim::model
