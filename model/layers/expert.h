// SPDX-License-Identifier: Apache-2.0
// The experts of one MoE layer: each a SwiGLU feed-forward network (arXiv 2002.05202, section 2),
// y = (silu(x Wg) * (x Wu)) Wd, on the rows that were gathered for it. All experts' weights are
// stacked in one matrix per role, so that an optimizer sees three tensors a layer, not hundreds.
#pragma once

#include "model/matrix.h"

namespace moesim::model {

template <class S>
struct ExpertWeights {
  Matrix<S> gate;  // Wg, [num_experts * hidden, intermediate]
  Matrix<S> up;    // Wu, [num_experts * hidden, intermediate]
  Matrix<S> down;  // Wd, [num_experts * intermediate, hidden]
};

// Rows of all experts, those of one expert consecutive, experts in order.
template <class S>
struct ExpertCache {
  Matrix<S> input;      // [rows, hidden]
  Matrix<S> gate;       // x Wg, [rows, intermediate]
  Matrix<S> up;         // x Wu, [rows, intermediate]
  Matrix<S> activated;  // silu(gate) * up, [rows, intermediate]
};

// The rows [first_row, first_row + rows) of an ExpertCache that belong to `expert`; may be none.
struct ExpertRows {
  int expert = 0;
  Index first_row = 0;
  Index rows = 0;
};

// Fills the cache's rows from its `input`, and the first rows of `output`, [at least rows, hidden].
template <class S>
void expert_forward(const ExpertWeights<S>& weights, const ExpertRows& where, ExpertCache<S>& cache,
                    Matrix<S>& output);

// What expert_backward reads and writes for one expert, in the matrices' first rows.
template <class S>
struct ExpertGradients {
  Matrix<S> d_output;  // in: gradient of the combined result's rows, not yet weighted, [., hidden]
  Matrix<S> weight;    // in: each row's routing weight, [., 1]
  Matrix<S> d_weight;  // out: gradient of the routing weight, [., 1]
  Matrix<S> d_input;   // out: [., hidden]
  Matrix<S> d_activated, d_gate, d_up;  // scratch, [., intermediate]

  // Makes room for `rows` rows.
  void resize(Index rows, Index hidden, Index intermediate);
};

// The gradient of w * expert(x) with respect to w, x and the weights. Writes (does not add to) the
// expert's blocks of `gradient`: zero where the expert has no rows.
template <class S>
void expert_backward(const ExpertWeights<S>& weights, const ExpertRows& where,
                     const ExpertCache<S>& cache, ExpertGradients<S>& rows,
                     ExpertWeights<S>& gradient);

}  // namespace moesim::model
