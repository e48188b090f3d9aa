// SPDX-License-Identifier: Apache-2.0
// Rows to a guess of the next byte: 256 logits per row, judged by cross entropy.
#pragma once

#include <cstdint>
#include <span>

#include "model/matrix.h"

namespace moesim::model {

template <class S>
struct LanguageHeadCache {
  Matrix<S> input;          // [tokens, hidden]
  Matrix<S> probabilities;  // [tokens, 256]
};

// Mean cross entropy in nats per byte of `targets`, [tokens]. `head` is [256, hidden], the shape of
// the token embedding, so that the two can be one matrix.
template <class S>
S cross_entropy(const Matrix<S>& head, const Matrix<S>& x, std::span<const std::uint8_t> targets,
                LanguageHeadCache<S>& cache);

// The gradient of x from that of the mean cross entropy, `loss_scale`; writes (does not add to)
// `head_gradient`.
template <class S>
Matrix<S> cross_entropy_backward(const Matrix<S>& head, const LanguageHeadCache<S>& cache,
                                 std::span<const std::uint8_t> targets, double loss_scale,
                                 Matrix<S>& head_gradient);

}  // namespace moesim::model
