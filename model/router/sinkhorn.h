// SPDX-License-Identifier: Apache-2.0
// Sinkhorn balancing (S-BASE, arXiv 2202.01169; BASE, arXiv 2103.16716): exp(logits)
// is scaled by rows and columns in turn until every token gives 1 and every expert receives tokens
// / num_experts. What a token compares is its logits plus one number an expert, the logarithm of
// the expert's scale: a selection bias solved for the tokens of the pass.
#pragma once

#include "model/matrix.h"
#include "model/pass.h"

namespace moesim::model {

// logits, [tokens, num_experts], plus the logarithms of the columns' scales after `iterations`
// rounds (row, then column). Computed in double; an expert that no token could choose gets a large
// but finite bias.
template <class S>
Matrix<S> sinkhorn_logits(const Pass<S>& pass, const Matrix<S>& logits, int iterations);

}  // namespace moesim::model
