// SPDX-License-Identifier: Apache-2.0
// Who chooses whom: one row per router type in a visible table (selection.cpp).
//
// top_k, noisy_top_k: the largest logits, noise included; with a selection bias the largest scores
// + bias (DeepSeek-V3, arXiv 2412.19437, eq. 16). group_limited: the largest scores + bias within
// the topk_group groups that are best by the sum of their two best of these (sigmoid, V3) or by
// their best alone (softmax, V2). two_level: the largest p(group) p(expert | group) within the
// topk_group groups with the largest p(group). sinkhorn: while training the largest balanced logits
// (sinkhorn.h), else top_k. expert_choice: expert_choice.h. hash, random: gateless_choice.h.
//
// A token's experts come by falling value, of equal ones the lower expert first; a value that is
// not a number counts as the smallest. Under expert_choice they come by expert.
#pragma once

#include "model/router/router_state.h"

namespace moesim::model {

// Sets the batch's shape, experts, and kept (empty, but for empty slots), and counts the cache's
// load. Reads scores and scored_logits().
template <class S>
void choose_experts(const RouterRun<S>& run, RouterCache<S>& cache);

}  // namespace moesim::model
