// SPDX-License-Identifier: Apache-2.0
// The router z-loss, which keeps logits small: mean over tokens of (log sum_i exp(z_i))^2, z
// without noise (ST-MoE, arXiv 2202.08906, eq. 5). Under two_level the same of the groups' logits
// is added.
#pragma once

#include "model/router/balance_loss.h"

namespace moesim::model {

template <class S>
double z_loss(const LossInputs<S>& inputs);
template <class S>
void add_z_slope(const LossInputs<S>& inputs, double scale, RouterSlopes<S>& slopes);

}  // namespace moesim::model
