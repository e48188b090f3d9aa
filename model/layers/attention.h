// SPDX-License-Identifier: Apache-2.0
// Causal multi-head self-attention (arXiv 1706.03762, eq. 1) within windows of consecutive tokens:
// a token attends to itself and to earlier tokens of its own window.
#pragma once

#include "model/matrix.h"

namespace moesim::model {

struct AttentionShape {
  int num_heads = 1;   // divides hidden
  int seq_length = 1;  // tokens of a window; the last window may be shorter
};

template <class S>
struct AttentionWeights {
  Matrix<S> query_key_value;  // [hidden, 3 hidden]
  Matrix<S> output;           // [hidden, hidden]
};

template <class S>
struct AttentionCache {
  Matrix<S> input;            // [tokens, hidden]
  Matrix<S> query_key_value;  // [tokens, 3 hidden]
  Matrix<S> probabilities;    // [num_heads * tokens, seq_length]; a head's rows are consecutive
  Matrix<S> mixed;            // [tokens, hidden], heads side by side
};

// [tokens, hidden] -> [tokens, hidden].
template <class S>
Matrix<S> attention(const AttentionWeights<S>& weights, const AttentionShape& shape,
                    const Matrix<S>& x, AttentionCache<S>& cache);

// The gradient of x from that of the result; writes (does not add to) `gradient`.
template <class S>
Matrix<S> attention_backward(const AttentionWeights<S>& weights, const AttentionShape& shape,
                             const AttentionCache<S>& cache, const Matrix<S>& dy,
                             AttentionWeights<S>& gradient);

}  // namespace moesim::model
