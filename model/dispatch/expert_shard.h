// SPDX-License-Identifier: Apache-2.0
// One rank's own copy of its experts' weights, cut out of a layer's stack and added back to it.
#pragma once

#include <vector>

#include "model/layers/expert.h"

namespace moesim::model {

// The shape of the stack that holds `experts` (ascending) of `whole` alone.
ExpertShape shard_shape(const ExpertShape& whole, const std::vector<int>& experts);

template <class S>
ExpertWeights<S> shard_weights(const ExpertWeights<S>& weights, const ExpertShape& whole,
                               const std::vector<int>& experts);

// Adds a shard's gradient to the whole stack's: what an all-reduce over an expert's replicas sums.
template <class S>
void add_shard(const ExpertWeights<S>& shard, const ExpertShape& whole,
               const std::vector<int>& experts, ExpertWeights<S>& weights);

}  // namespace moesim::model
