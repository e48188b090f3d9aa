// SPDX-License-Identifier: Apache-2.0
// The gate's decision for the tokens that one source rank holds, in one MoE layer.
#pragma once

#include <cstdint>
#include <vector>

namespace moesim::model {

constexpr std::int32_t kNoExpert = -1;

struct RoutingBatch {
  int tokens = 0;
  int top_k = 0;  // slots of each token; under expert choice, as many as the most chosen token has
  int num_experts = 0;
  // [tokens, top_k]; a token's are distinct. kNoExpert: an empty slot (expert choice only).
  std::vector<std::int32_t> experts;
  std::vector<float> weights;  // [tokens, top_k], non-negative
  // [tokens, top_k], 1 where the pair is computed, 0 where capacity dropped it or the slot is
  // empty. Empty vector: all are kept.
  std::vector<std::uint8_t> kept;

  bool is_kept(std::size_t pair) const { return kept.empty() || kept[pair] != 0; }
  bool operator==(const RoutingBatch&) const = default;
};

}  // namespace moesim::model
