// SPDX-License-Identifier: Apache-2.0
// y = x W^T + b.
#pragma once

#include "model/matrix.h"
#include "model/pass.h"

namespace moesim::model {

template <class S>
struct LinearWeights {
  Matrix<S> weight;  // [out, in]
  Matrix<S> bias;    // [1, out], or empty
};

// The layer as a pass runs it.
template <class S>
struct Linear {
  const LinearWeights<S>& weights;
  const Pass<S>& pass;

  // x, [tokens, in] -> y, [tokens, out].
  void forward(const Matrix<S>& x, Matrix<S>& y) const;

  // Writes or adds to (pass.add_gradients) `gradient`; adds to `dx` or, where it is empty, sizes
  // and writes it.
  void backward(const Matrix<S>& x, const Matrix<S>& dy, LinearWeights<S>& gradient,
                Matrix<S>& dx) const;
};

}  // namespace moesim::model
