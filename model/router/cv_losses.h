// SPDX-License-Identifier: Apache-2.0
// Losses that are a squared coefficient of variation over experts, population variance / mean^2
// (Shazeer 2017, arXiv 1701.06538):
//   importance  of sum over tokens of the routing weights, before drops (eq. 6-7)
//   load        of the smooth load: sum over tokens of Phi((z_i - t_i) / s_i), the chance that
//               expert i is among the top_k when its own noise is drawn again; z without noise, s
//               its scale, t_i the top_k-th largest noisy logit of the others (eq. 8-11 there and
//               appendix A). Without noise, in evaluation, the count of choices takes its place.
//               With top_k = num_experts every chance is 1.
// Slopes flow through all of weights, z, s and t.
#pragma once

#include <vector>

#include "model/router/balance_loss.h"

namespace moesim::model {

// Population variance / mean^2; 0 where the mean is 0. `slopes`, unless null, becomes the
// derivative along each value.
double squared_cv(const std::vector<double>& values, std::vector<double>* slopes);

template <class S>
double importance_loss(const LossInputs<S>& inputs);
template <class S>
void add_importance_slope(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes);

// Of a noisy_top_k router alone.
template <class S>
double load_loss(const LossInputs<S>& inputs);
template <class S>
void add_load_slope(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes);

}  // namespace moesim::model
