// SPDX-License-Identifier: Apache-2.0
// Expert capacity: how many of one rank's (token, expert) pairs each expert takes, and which pairs
// a full expert drops. Applied per source rank, as Megatron-Core does (moe_utils.py, get_capacity).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "model/router/routing_batch.h"

namespace moesim::model {

// Who is dropped when an expert is full: the pairs with the lowest routing weight (`probs`; ties by
// later token), or the latest tokens (`position`).
enum class TokenDropPolicy { probs, position };
base::EnumNames<TokenDropPolicy> names_of(TokenDropPolicy);

// Slots of each expert for one source rank: ceil(capacity_factor * tokens * top_k / num_experts),
// at least 1 (GShard, arXiv 2006.16668, section 2.2; Switch, arXiv 2101.03961, eq. 3).
int expert_capacity(double capacity_factor, int tokens, int top_k, int num_experts);

// 1 for each kept pair, [tokens, top_k]; empty when `capacity_factor` is absent (dropless: all
// kept).
std::vector<std::uint8_t> kept_pairs(const RoutingBatch& batch,
                                     std::optional<double> capacity_factor, TokenDropPolicy policy);

}  // namespace moesim::model
