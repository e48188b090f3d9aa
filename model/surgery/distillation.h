// SPDX-License-Identifier: Apache-2.0
// A MoE layer's work taught to a dense feed-forward part that takes its place (distillation on the
// layer's outputs; for whole MoE models: arXiv 2101.03961, section 4.2).
#pragma once

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "model/layers/moe_gpt_weights.h"
#include "model/train/training_config.h"

namespace moesim::model {

struct DistillationReport {
  int layer = 0;  // the block that is dense now
  // Mean squared difference of the outputs on held-out windows, before the student's first step and
  // after its last.
  double loss_before = 0;
  double loss_after = 0;
  double target_size = 0;  // mean square of the MoE layer's outputs there: what a zero would lose
};

// The configuration of the model whose first MoE layer is dense. Throws base::Error where there is
// no MoE layer.
MoeGptConfig config_after_distillation(const MoeGptConfig& config);

// Replaces the first MoE layer by a dense one of config.intermediate_size hidden units that
// reproduces its outputs, shared experts included. The loss is the mean squared difference;
// `training` says the steps, sequences and passes of a step, optimizer, schedule, clipping, the
// rate of feed_forward, seed and held-out part. With bf16_weights the student works rounded from
// the first step on, and what is handed back are its fp32 masters, for fresh_optimizer and
// round_weights. A lesson keeps one block's activations anyway, and ends with its only validation.
//
// All other weights stay. Called again, it takes the next layer, until the model is dense. What a
// TrainerState has besides, optimizer and history.usage, is of the model that was: to train on,
// begin these anew (ModelEditor). `text` as for a Trainer.
//
// Throws base::Error where there is no MoE layer, the text is too short, `training` names rates of
// experts or of other groups, or the loss or its gradient stop being finite; then nothing is
// changed.
DistillationReport distill_first_moe_layer(const TrainingConfig& training,
                                           std::span<const std::uint8_t> text,
                                           base::ThreadPool& threads, MoeGptConfig& config,
                                           MoeGptWeights<float>& weights);

}  // namespace moesim::model
