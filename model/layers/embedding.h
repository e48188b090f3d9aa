// SPDX-License-Identifier: Apache-2.0
// Bytes to rows: the sum of a learned vector per byte value and one per position in the window.
#pragma once

#include <cstdint>
#include <span>

#include "model/matrix.h"

namespace moesim::model {

template <class S>
struct EmbeddingWeights {
  Matrix<S> token;     // [256, hidden]
  Matrix<S> position;  // [seq_length, hidden]
};

// [tokens] bytes -> [tokens, hidden]; token t has position t modulo seq_length.
template <class S>
Matrix<S> embed(const EmbeddingWeights<S>& weights, std::span<const std::uint8_t> bytes);

// Adds the gradient of the rows, [tokens, hidden], to `gradient` (the head's may be there already,
// when it is tied to the token embedding).
template <class S>
void embed_backward(std::span<const std::uint8_t> bytes, const Matrix<S>& d_rows,
                    EmbeddingWeights<S>& gradient);

}  // namespace moesim::model
