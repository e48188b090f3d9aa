// SPDX-License-Identifier: Apache-2.0
// The balancing losses of a router, one row each in a visible table (balance_loss.cpp). Every loss
// is that of one layer in one pass; a coefficient of 0 leaves it out, and a router without a gate
// has none.
#pragma once

#include <vector>

#include "model/router/router_state.h"

namespace moesim::model {

// What a loss is computed from.
template <class S>
struct LossInputs {
  RouterRun<S> run;
  const RouterCache<S>& cache;
  // [sequences, num_experts] sum over a sequence's tokens of share_i, the scores over their row's
  // sum: softmax scores as they are, sigmoid scores normalised (arXiv 2412.19437, eq. 20).
  Matrix<double> share_sums;
};

// What the losses with a coefficient read, computed from the cache.
template <class S>
LossInputs<S> balance_inputs(const RouterRun<S>& run, const RouterCache<S>& cache);

// The terms with a coefficient, in the table's order.
template <class S>
std::vector<BalanceTerm> balance_losses(const LossInputs<S>& inputs);

// Adds `scale` times the slope of all terms to `slopes`.
template <class S>
void add_balance_slopes(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes);

}  // namespace moesim::model
