// SPDX-License-Identifier: Apache-2.0
// The gate's decision for the tokens that one source rank holds, in one MoE layer.
#pragma once

#include <cstdint>
#include <vector>

namespace moesim::model {

struct RoutingBatch {
  int tokens = 0;
  int top_k = 0;
  int num_experts = 0;
  std::vector<std::int32_t> experts;  // [tokens, top_k], in [0, num_experts), no two the same
  std::vector<float> weights;         // [tokens, top_k], non-negative, each token's sum is 1

  bool operator==(const RoutingBatch&) const = default;
};

}  // namespace moesim::model
