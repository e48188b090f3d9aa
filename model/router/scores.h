// SPDX-License-Identifier: Apache-2.0
// Scores: softmax over all experts, or a sigmoid of each logit (DeepSeek-V3, arXiv 2412.19437, eq.
// 15). Positive for every logit, which the weights made of them rely on (router.h says why).
#pragma once

#include "model/router/router_state.h"

namespace moesim::model {

// Fills the cache's scores from its scored_logits().
template <class S>
void score_experts(const RouterRun<S>& run, RouterCache<S>& cache);

// 1 over the sum of a row of scores; 0 where they all underflowed.
template <class S>
S inverse_sum(const S* scores, Index num_experts);

// Adds the slopes of scores and of shares, the scores over their row's sum, to those of the
// adjusted logits.
template <class S>
void scores_backward(const RouterRun<S>& run, const RouterCache<S>& cache, RouterSlopes<S>& slopes);

}  // namespace moesim::model
