// SPDX-License-Identifier: Apache-2.0
// Layer normalisation over the hidden dimension (arXiv 1607.06450, eq. 4): each token's row is
// shifted to mean 0 and scaled to variance 1, then multiplied by a gain and shifted by a bias.
#pragma once

#include "model/matrix.h"
#include "model/pass.h"

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

// x, [tokens, hidden] -> y, [tokens, hidden], another matrix than x; 1e-5 is added to the variance
// (PyTorch's default, GPT-2's value).
template <class S>
void layer_norm(const LayerNormWeights<S>& weights, const Pass<S>& pass, const Matrix<S>& x,
                LayerNormCache<S>& cache, Matrix<S>& y);

// From the gradient of y adds that of x to `dx`, [tokens, hidden] (the residual stream's), and
// writes or adds to (pass.add_gradients) `gradient`.
template <class S>
struct LayerNormBackward {
  const LayerNormWeights<S>& weights;
  const Pass<S>& pass;

  void run(const LayerNormCache<S>& cache, const Matrix<S>& dy, LayerNormWeights<S>& gradient,
           Matrix<S>& dx) const;
};

}  // namespace moesim::model
