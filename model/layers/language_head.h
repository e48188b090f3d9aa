// SPDX-License-Identifier: Apache-2.0
// Rows to a guess of the next byte: 256 logits per row, judged by cross entropy. `head` is
// [256, hidden], the shape of the token embedding, so that the two can be one matrix.
#pragma once

#include <cstdint>
#include <span>

#include "model/matrix.h"
#include "model/pass.h"

namespace moesim::model {

template <class S>
struct LanguageHeadCache {
  Matrix<S> input;          // [tokens, hidden], set by the caller
  Matrix<S> probabilities;  // [tokens, 256]
};

// x, [tokens, hidden] -> logits, [tokens, 256].
template <class S>
void head_logits(const Matrix<S>& head, const Pass<S>& pass, const Matrix<S>& x, Matrix<S>& logits);

// Mean cross entropy in nats per byte of `targets`, [tokens], given the rows cache.input.
template <class S>
double cross_entropy(const Matrix<S>& head, const Pass<S>& pass,
                     std::span<const std::uint8_t> targets, LanguageHeadCache<S>& cache);

// Of `loss_scale` times the mean cross entropy: writes the gradient of the input rows to `dx`,
// [tokens, hidden], and writes or adds to (pass.add_gradients) `head_gradient`. The cache's
// probabilities become the gradient of the logits and are of no more use.
template <class S>
struct CrossEntropyBackward {
  const Matrix<S>& head;
  const Pass<S>& pass;
  std::span<const std::uint8_t> targets;
  double loss_scale = 1;

  void run(LanguageHeadCache<S>& cache, Matrix<S>& head_gradient, Matrix<S>& dx) const;
};

}  // namespace moesim::model
