// SPDX-License-Identifier: Apache-2.0
// Bytes to rows: the sum of a learned vector per byte value and one per position in the sequence.
#pragma once

#include <cstdint>
#include <span>

#include "model/matrix.h"
#include "model/pass.h"

namespace moesim::model {

template <class S>
struct EmbeddingWeights {
  Matrix<S> token;     // [256, hidden]
  Matrix<S> position;  // [seq_length, hidden]
};

// bytes, [tokens] -> rows, [tokens, hidden]; token t has position t modulo seq_length.
template <class S>
void embed(const EmbeddingWeights<S>& weights, const Pass<S>& pass,
           std::span<const std::uint8_t> bytes, Matrix<S>& rows);

// From the gradient of the rows, [tokens, hidden], adds to (pass.add_gradients) or writes
// `gradient`, sized as the weights. With `add_to_token` the token embedding's is added to in any
// case: a tied head's gradient is there already.
template <class S>
struct EmbeddingBackward {
  const Pass<S>& pass;
  bool add_to_token = false;

  void run(std::span<const std::uint8_t> bytes, const Matrix<S>& d_rows,
           EmbeddingWeights<S>& gradient) const;
};

}  // namespace moesim::model
