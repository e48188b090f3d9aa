// SPDX-License-Identifier: Apache-2.0
// Trains a MoE-GPT on a text, step by step. Everything a step draws (windows, dropout, noise) is a
// function of seed and step, so that a trainer that goes on from a state takes the very steps that
// the first one would have taken; the number of threads never changes a bit.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/layers/moe_gpt.h"
#include "model/train/optimizer.h"
#include "model/train/training_config.h"
#include "model/train/training_history.h"

namespace moesim::model {

namespace cuda {
class Device;
}

// All that a trainer carries from one step to the next.
struct TrainerState {
  int step = 0;  // steps done
  MoeGptWeights<float> weights;
  OptimizerState optimizer;
  TrainingHistory history;
};

// What a trainer computes on.
struct TrainerMachine {
  // Of the processor; any number gives the same bits.
  int threads = 1;
  // Computes passes and steps, with the bits that docs/cuda.md says; null: the processor does. Must
  // outlive the trainer.
  cuda::Device* device = nullptr;

  TrainerMachine(int num_threads, cuda::Device* with_device = nullptr)  // NOLINT: threads alone
      : threads(num_threads), device(with_device) {}
};

class Trainer {
 public:
  // Random weights from the training's seed. `text` must outlive the trainer; its last part is held
  // out (text_parts.h). Throws base::Error where a setting is out of place, the
  // text is too short, or the memory is not enough.
  Trainer(const MoeGptConfig& model, const TrainingConfig& training,
          std::span<const std::uint8_t> text, const TrainerMachine& machine);
  // Goes on from a state.
  Trainer(const MoeGptConfig& model, const TrainingConfig& training,
          std::span<const std::uint8_t> text, const TrainerMachine& machine, TrainerState state);
  ~Trainer();
  Trainer(Trainer&&) noexcept;

  // One optimizer step over batch_size sequences. May be called beyond training.steps; the schedule
  // stays at its floor. Throws base::Error when loss or gradient stop being finite or the passes
  // find no memory; the weights are then those of the step before.
  StepReport step();

  // Mean cross entropy over the validation windows, nats per byte; also added to the history.
  double validate();

  // The gate's decisions on the validation windows: one entry per pass and MoE layer, layers
  // innermost.
  std::vector<RoutingBatch> route_validation();

  // Brings weights and moments from the device, where they are there.
  const TrainerState& state() const;
  const TrainingHistory& history() const;
  int steps_done() const;
  const MoeGptWeights<float>& weights() const { return state().weights; }
  TrainerState take_state() &&;

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace moesim::model
