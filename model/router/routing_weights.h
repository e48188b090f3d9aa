// SPDX-License-Identifier: Apache-2.0
// What the chosen experts weigh, with s the scores, z the logits that they are of, and sums over a
// token's own experts:
//   renormalised      w_i = s_i / sum_j s_j
//   softmax_selected  w_i = exp(z_i) / sum_j exp(z_j)
//   as_is             w_i = s_i
// times routed_scaling_factor. Of softmax scores the first equals the second. Both are computed as
// a softmax, the first over log s, so that no two underflowed scores are divided. Under hash and
// random w_i = 1 / top_k. Empty slots weigh 0.
//
// renormalise_after_drop: the kept weights times the sum of all over the sum of the kept.
#pragma once

#include "model/router/router_state.h"

namespace moesim::model {

// Fills weights_before_drop, and the batch's weights with the same rounded, for the batch's
// experts.
template <class S>
void weigh_experts(const RouterRun<S>& run, RouterCache<S>& cache);

// Fills the cache's weights, and the batch's with what its `kept` leaves and scales.
template <class S>
void finish_weights(const RouterRun<S>& run, RouterCache<S>& cache);

// Writes slopes.weights from the slopes of the cache's weights, those of dropped and empty pairs
// ignored.
template <class S>
void finish_weights_backward(const RouterRun<S>& run, const RouterCache<S>& cache,
                             const Matrix<S>& d_weights, RouterSlopes<S>& slopes);

// Adds slopes.weights to the slopes of scores (as_is) or of the adjusted logits.
template <class S>
void weigh_experts_backward(const RouterRun<S>& run, const RouterCache<S>& cache,
                            RouterSlopes<S>& slopes);

}  // namespace moesim::model
