// SPDX-License-Identifier: Apache-2.0
// Causal multi-head self-attention (arXiv 1706.03762, eq. 1) with grouped key/value heads (arXiv
// 2305.13245) within sequences of consecutive tokens: a token attends to itself and to earlier
// tokens of its own sequence.
#pragma once

#include <string>

#include "model/layers/linear.h"
#include "model/matrix.h"
#include "model/pass.h"

namespace moesim::model {

struct AttentionShape {
  int num_heads = 1;
  int num_key_value_heads = 1;  // divides num_heads; head h reads key/value head h / (ratio)
  int head_size = 1;
  int seq_length = 1;  // tokens of a sequence; the last may be shorter
  double dropout = 0;  // of the probabilities, while training
  std::string name;    // of the dropout's draws: "layer 3 attention"

  Index query_width() const { return Index{num_heads} * head_size; }
  Index key_value_width() const { return Index{num_key_value_heads} * head_size; }
};

template <class S>
struct AttentionWeights {
  LinearWeights<S> query_key_value;  // [query width + 2 key/value width, hidden]: queries, keys,
                                     // values, heads side by side in each
  LinearWeights<S> output;           // [hidden, query width]
};

template <class S>
struct AttentionCache {
  Matrix<S> query_key_value;  // [tokens, query width + 2 key/value width]
  Matrix<S> softmax;          // [tokens, 2 num_heads] a head's largest score, then 1 / the sum of
                              // e^(score - largest): the backward pass computes the
                              // probabilities anew, which costs less time than keeping them
  Matrix<S> mixed;            // [tokens, query width]
};

// Keys and values of the tokens so far of one sequence, for generation.
template <class S>
struct KeyValueCache {
  Matrix<S> keys;    // [seq_length, key/value width]; the first `length` rows are in use
  Matrix<S> values;  // the same
  int length = 0;
};

// The layer as a pass runs it.
template <class S>
struct Attention {
  const AttentionWeights<S>& weights;
  const AttentionShape& shape;
  const Pass<S>& pass;

  // x, [tokens, hidden] -> y, [tokens, hidden].
  void forward(const Matrix<S>& x, AttentionCache<S>& cache, Matrix<S>& y) const;

  // Of the forward pass that filled `cache` from the same x. Writes dx, the gradient of x, and
  // writes or adds to (pass.add_gradients) `gradient`.
  void backward(const Matrix<S>& x, const AttentionCache<S>& cache, const Matrix<S>& dy,
                AttentionWeights<S>& gradient, Matrix<S>& dx) const;

  // The next token of a sequence, x [1, hidden] -> y [1, hidden]; appends to `past`. Equals the
  // last row of forward() over all the sequence's tokens to rounding.
  void next(const Matrix<S>& x, KeyValueCache<S>& past, Matrix<S>& y) const;
};

}  // namespace moesim::model
