// SPDX-License-Identifier: Apache-2.0
// Losses of the experts' mean shares. With n experts, T tokens, P_i the mean over tokens of share_i
// (balance_loss.h) and f_i expert i's part of all (token, expert) choices, counted before drops:
//   aux       n sum_i f_i P_i (Switch, arXiv 2101.03961, eq. 4): 1 at equal load
//   seq_aux   the same within each sequence, then the mean over sequences (arXiv 2412.19437, eq.
//             17-20); a shorter last sequence counts as much as the others
//   variance  sum_i (P_i - 1/n)^2 / (n - 1), the unbiased variance over experts (torch.var) of P_i
//             - 1/n; 0 for one expert
// Slopes flow through P; f counts and has none.
#pragma once

#include "model/router/balance_loss.h"

namespace moesim::model {

template <class S>
double aux_loss(const LossInputs<S>& inputs);
template <class S>
void add_aux_slope(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes);

template <class S>
double seq_aux_loss(const LossInputs<S>& inputs);
template <class S>
void add_seq_aux_slope(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes);

template <class S>
double variance_loss(const LossInputs<S>& inputs);
template <class S>
void add_variance_slope(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes);

}  // namespace moesim::model
