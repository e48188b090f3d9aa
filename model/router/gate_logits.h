// SPDX-License-Identifier: Apache-2.0
// From rows to what scores are made of: z = x Wg^T, x times uniform(1 - j, 1 + j) while training
// with input_jitter j (Switch, arXiv 2101.03961, appendix C).
//
// noisy_top_k, while training: h = z + n s with n standard normal and s = noise_std or softplus(x
// Wn^T) (Shazeer 2017, arXiv 1701.06538, eq. 4).
// two_level: log p = log softmax(x Wgg^T)[group] + log softmax(z within the group)[expert], whose
// softmax is p(group) p(expert | group) (the same, appendix B).
#pragma once

#include "model/router/router_state.h"

namespace moesim::model {

// Fills the cache's input, logits, adjusted_logits, noise_scale and group_logits.
template <class S>
void gate_logits(const RouterRun<S>& run, const Matrix<S>& x, RouterCache<S>& cache);

template <class S>
struct GateGradients {
  RouterWeights<S>& weights;  // written or added to, as the pass says
  Matrix<S>& dx;              // added to
};

// Takes the slopes of adjusted_logits, logits, group_logits and noise_scale to weights and rows.
// Uses `slopes` up.
template <class S>
void gate_logits_backward(const RouterRun<S>& run, const Matrix<S>& x, const RouterCache<S>& cache,
                          RouterSlopes<S>& slopes, const GateGradients<S>& gradients);

}  // namespace moesim::model
