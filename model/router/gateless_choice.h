// SPDX-License-Identifier: Apache-2.0
// Choices that no gate makes; every chosen expert weighs 1 / top_k.
#pragma once

#include "model/router/router_state.h"

namespace moesim::model {

// Hash layers (arXiv 2106.04426): top_k distinct experts, a fixed function of the
// token's byte and the layer.
template <class S>
void choose_by_hash(const RouterRun<S>& run, RouterCache<S>& cache);

// top_k distinct experts, every set equally likely, drawn anew in every pass, also in evaluation.
template <class S>
void choose_at_random(const RouterRun<S>& run, RouterCache<S>& cache);

}  // namespace moesim::model
