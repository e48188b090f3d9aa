// SPDX-License-Identifier: Apache-2.0
// The auxiliary loss that pulls the gate towards equal load (Switch Transformer, arXiv 2101.03961,
// eq. 4): coefficient x E x sum_i f_i P_i. f_i is the share of all (token, slot) pairs routed to
// expert i, counted before drops; P_i is the mean over tokens of the softmax over all experts. Both
// sum to 1, so that equal load gives `coefficient`, the least value where f = P.
#pragma once

#include "model/matrix.h"
#include "model/router/routing_batch.h"

namespace moesim::model {

template <class S>
struct BalanceCache {
  Matrix<S> probabilities;  // [tokens, num_experts]
  Matrix<S> load_share;     // f, [1, num_experts]
};

// The loss for one MoE layer; `logits` is [tokens, num_experts], tokens >= 1.
template <class S>
S balance_loss(const Matrix<S>& logits, const RoutingBatch& batch, double coefficient,
               BalanceCache<S>& cache);

// Adds the loss's gradient to `d_logits`. It flows through P alone; f counts and has no slope.
template <class S>
void add_balance_gradient(const BalanceCache<S>& cache, double coefficient, Matrix<S>& d_logits);

}  // namespace moesim::model
