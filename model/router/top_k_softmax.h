// SPDX-License-Identifier: Apache-2.0
// The gate's choice: the top_k experts of each token by logit, and their weights. The weights are
// the softmax over all experts, renormalised over the chosen ones, which equals the softmax over
// the chosen logits alone; that form is computed, since it never divides two tiny numbers.
#pragma once

#include "model/matrix.h"
#include "model/router/routing_batch.h"

namespace moesim::model {

template <class S>
struct TopKRouting {
  RoutingBatch batch;  // `weights` below, rounded to float, and the experts they belong to
  Matrix<S> weights;   // [tokens, top_k]
};

// `logits` is [tokens, num_experts], 1 <= top_k <= num_experts. A token's experts come by falling
// logit; of equal logits the lower expert id is first.
template <class S>
void top_k_softmax(const Matrix<S>& logits, int top_k, TopKRouting<S>& routing);

// The gradient of the logits, [tokens, num_experts], from that of the weights, [tokens, top_k]:
// d_logit_i = w_i (d_w_i - sum_j w_j d_w_j) for the chosen, 0 for the others.
template <class S>
Matrix<S> top_k_softmax_backward(const TopKRouting<S>& routing, const Matrix<S>& d_weights);

}  // namespace moesim::model
