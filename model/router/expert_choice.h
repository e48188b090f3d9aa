// SPDX-License-Identifier: Apache-2.0
// Expert choice (arXiv 2202.09368, section 3.2): each expert takes its best ceil(capacity_factor x
// tokens x top_k / num_experts) tokens, with a factor of 1 where none is set, never more than there
// are; by falling score, of equal ones the lower token, a score that is not a number last. Every
// expert has the same load, and a token has as many experts as chose it: none, perhaps.
//
// Not causal: whether an expert takes a token depends on the tokens after it, of its own sequence
// and of the others in the pass. Losses of such a model know of the bytes that they predict, and
// what it generates byte by byte is routed otherwise than it was trained.
#pragma once

#include "model/router/router_state.h"

namespace moesim::model {

// The batch has as many slots as the most chosen token has experts, which come by expert; the
// slots left over hold kNoExpert and are not kept.
template <class S>
void choose_tokens(const RouterRun<S>& run, RouterCache<S>& cache);

}  // namespace moesim::model
