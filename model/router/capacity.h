// SPDX-License-Identifier: Apache-2.0
// Capacity: how many of one rank's (token, expert) pairs each expert, and each rank of experts,
// takes, and what becomes of the pairs that it turns away. Applied per source rank, as
// Megatron-Core does (moe_utils.py, get_capacity).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/router/router_config.h"
#include "model/router/routing_batch.h"

namespace moesim::model {

// Slots of each expert for one source rank: ceil(capacity_factor * tokens * top_k / num_experts),
// at least 1 (GShard, arXiv 2006.16668, section 2.2; Switch, arXiv 2101.03961, eq. 3).
int expert_capacity(double capacity_factor, int tokens, int top_k, int num_experts);

// The same of a router whose capacity_factor is null where it means 1 (expert_choice), and not
// below its min_capacity.
int slots_of_expert(const RouterConfig& config, int tokens);

// Which of `num_ranks` holds an expert: contiguous blocks, of which the first num_experts %
// num_ranks hold one expert more.
int rank_of_expert(int expert, int num_experts, int num_ranks);

// Applies the capacities of `config` to the pairs that `batch` keeps, and sets its `kept`.
//
// An expert keeps the pairs that token_drop_policy prefers, and so does then a rank with what its
// experts kept. Under `next_best` the others go, in the same order, to the expert with the highest
// score, of equal ones the lowest, among those that have room, in themselves and in their rank, and
// that the token does not choose already; the weight becomes that score. A pair that finds none
// stays where it was, and is dropped (as Switch's No-Token-Left-Behind, appendix B). `scores` is
// [tokens, num_experts]; one that is not a number counts as the lowest, and so does a weight.
//
// Weights of kept pairs are left as they are; to renormalise them is the caller's.
template <class S>
void apply_capacity(const RouterConfig& config, std::span<const S> scores, RoutingBatch& batch);

// The same for a batch that came without scores, from a trace or a synthetic source. Throws
// base::Error where `config` would send pairs to the next best expert: none is known.
void apply_capacity(const RouterConfig& config, RoutingBatch& batch);

// The `kept` of `batch` under a capacity per expert alone; empty, all kept, where neither
// `capacity_factor` nor the batch says otherwise.
std::vector<std::uint8_t> kept_pairs(const RoutingBatch& batch,
                                     std::optional<double> capacity_factor, TokenDropPolicy policy);

}  // namespace moesim::model
