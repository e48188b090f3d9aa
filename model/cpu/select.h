// SPDX-License-Identifier: Apache-2.0
// The choice of experts by score on one thread.
#pragma once

#include "model/backend.h"

namespace moesim::model {

// The choices of the tokens [first, end): writes their rows of experts[tokens, top_k].
template <class S>
void select_experts(const Selection<S>& selection, int first, int end, std::int32_t* experts);

}  // namespace moesim::model
