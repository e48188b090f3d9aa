// SPDX-License-Identifier: Apache-2.0
// The seam between a trainer and what computes its passes and steps: the processor, or a device
// that keeps weights, gradient and moments in its own memory. Inner to training.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/layers/moe_gpt.h"
#include "model/train/optimizer.h"

namespace moesim::model {

// What an engine works on; all of it outlives the engine, at its place.
struct EngineSubject {
  const MoeGptConfig& model;
  const TrainingConfig& training;
  base::ThreadPool& threads;
  MoeGptWeights<float>& weights;
  OptimizerState& optimizer;
  std::span<const LearningRun> runs;
};

// A forward and a backward pass over a part of a step's batch.
struct TrainingPass {
  TokenBatch batch;
  std::uint64_t seed = 0;
  bool add_gradients = false;  // to those of the parts before
  double share = 1;            // of the part in the step's loss
};

// A MoE layer's decision in a pass.
struct RoutedLayer {
  RoutingBatch batch;
  std::vector<std::int64_t> load;  // [num_experts] pairs that chose each expert, before overflow
};

class StepEngine {
 public:
  virtual ~StepEngine() = default;

  // The loss of the part, its gradient times the share, and the decisions of all MoE layers.
  virtual MoeGptLoss run(const TrainingPass& pass, std::vector<RoutedLayer>& routing) = 0;
  // Of the gradient of the passes so far.
  virtual double gradient_norm() = 0;
  // One step of the weights down that gradient.
  virtual void step(const OptimizerStep& step) = 0;
  // Without draws, and without a way back.
  virtual MoeGptLoss judge(const TokenBatch& batch) = 0;
  virtual std::vector<RoutingBatch> route(std::span<const std::uint8_t> inputs) = 0;
  // Writes weights and optimizer state, where they are elsewhere, into the subject's.
  virtual void fetch() = 0;
  // The trainer has changed a router's selection bias among the subject's weights.
  virtual void take_selection_bias(const Matrix<float>& selection_bias) = 0;
};

std::unique_ptr<StepEngine> make_cpu_step_engine(const EngineSubject& subject);

}  // namespace moesim::model
