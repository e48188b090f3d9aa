// SPDX-License-Identifier: Apache-2.0
// Layer normalisation over the hidden dimension (arXiv 1607.06450, eq. 4): each token's row is
// shifted to mean 0 and scaled to variance 1, then multiplied by a gain and shifted by a bias.
#pragma once

#include "model/matrix.h"

namespace moesim::model {

template <class S>
struct LayerNormWeights {
  Matrix<S> gain;  // [1, hidden]
  Matrix<S> bias;  // [1, hidden]
};

template <class S>
struct LayerNormCache {
  Matrix<S> normalised;         // [tokens, hidden]
  Matrix<S> inverse_deviation;  // [tokens, 1]
};

// [tokens, hidden] -> [tokens, hidden]; 1e-5 is added to the variance.
template <class S>
Matrix<S> layer_norm(const LayerNormWeights<S>& weights, const Matrix<S>& x,
                     LayerNormCache<S>& cache);

// The gradient of x from that of the result; writes (does not add to) `gradient`.
template <class S>
Matrix<S> layer_norm_backward(const LayerNormWeights<S>& weights, const LayerNormCache<S>& cache,
                              const Matrix<S>& dy, LayerNormWeights<S>& gradient);

}  // namespace moesim::model
