// SPDX-License-Identifier: Apache-2.0
// Bytes that one rank holds at the step's fullest moment, from its real rows (docs/models.md,
// "Memory"): what an imbalance does to the fullest rank is part of the answer.
#pragma once

#include "base/units.h"
#include "model/spec/model_spec.h"

namespace moesim::sim {

struct RankMemory {
  base::Bytes weights;      // bf16
  base::Bytes gradients;    // fp32
  base::Bytes optimizer;    // fp32 master weights and two moments: 12 bytes per parameter
  base::Bytes activations;  // kept for the backward pass of one micro-batch, no recomputation

  base::Bytes peak() const { return weights + gradients + optimizer + activations; }
};

// What a rank holds and processes in the micro-batch where it is fullest.
struct RankWork {
  double experts_held = 0;   // routed experts in each MoE layer
  double tokens = 0;         // its own
  double rows_sent = 0;      // kept pairs of its tokens, summed over MoE layers
  double rows_received = 0;  // kept pairs that its experts compute, summed over MoE layers
};

RankMemory rank_memory(const model::ModelSpec& spec, const RankWork& work);

}  // namespace moesim::sim
