// SPDX-License-Identifier: Apache-2.0
// The gate of one MoE layer, forward and backward: rows to logits (gate_logits.h), logits to scores
// (scores.h), scores to chosen experts (selection.h), chosen scores to weights
// (routing_weights.h), capacity and drops (capacity.h), balancing losses (balance_loss.h).
// docs/compute_core.md, "Router", has the formulas.
//
// Scores are positive: a softmax or a sigmoid, never the logits themselves. Logits divided by their
// sum are no weights: chosen logits 3 and -1 give 3/2 and -1/2, so that an expert's result is taken
// away; 1 and -0.999 give 1000 and -999; and adding a constant to all logits, which changes no
// softmax, changes them all. Their slope along a logit is of the order of 1 / sum^2 without bound.
// A softmax over the chosen, or sigmoids over their sum, are never negative, sum to 1 and have
// slopes of at most 1/4.
#pragma once

#include <cstdint>
#include <span>

#include "base/rng.h"
#include "model/router/balance_loss.h"
#include "model/router/router_state.h"

namespace moesim::model {

// Random weights of the configuration's shapes: uniform with variance 1 / hidden, so that the
// logits of normalised rows have variance 1; the noise's are zero, the selection bias is zero.
template <class S>
RouterWeights<S> random_router(const RouterConfig& config, Index hidden, base::Rng& rng);

// Routes the rows `x`, [tokens, hidden], tokens >= 1.
template <class S>
void route(const RouterRun<S>& run, const Matrix<S>& x, RouterCache<S>& cache);

// From the gradient of the routing weights, [tokens, batch.top_k] (entries of dropped and empty
// pairs are ignored), and `loss_scale` times that of the balancing losses: writes or adds to
// (pass.add_gradients) `gradient`, and adds to `dx`, [tokens, hidden]. Exact for all that is
// differentiable; the choice of experts, drops and the balancing of sinkhorn count as constants.
template <class S>
struct RouterBackward {
  const RouterWeights<S>& weights;
  const RouterConfig& config;
  const TokenContext& context;
  const Pass<S>& pass;
  double loss_scale = 1;

  void run(const Matrix<S>& x, const RouterCache<S>& cache, const Matrix<S>& d_weights,
           RouterWeights<S>& gradient, Matrix<S>& dx) const;
};

// Loss-free balancing after a step (arXiv 2408.15664, algorithm 1): selection_bias_i += rate *
// sign(mean load - load_i), where `load` is [num_experts], the pairs that chose each expert.
template <class S>
void update_selection_bias(std::span<const std::int64_t> load, double rate,
                           Matrix<S>& selection_bias);

}  // namespace moesim::model
