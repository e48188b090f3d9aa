// SPDX-License-Identifier: Apache-2.0
// Feed-forward networks, many side by side: the experts of a MoE layer, each on the rows gathered
// for it; one alone is a dense or shared feed-forward part. Gated, y = (act(x Wg^T) * (x Wu^T)) Wd
// (arXiv 2002.05202, section 2), or plain, y = act(x Wu^T) Wd; biases on request. Hidden sizes may
// differ between experts, so their weights are stacked along the intermediate dimension, expert
// after expert: each role is one matrix, and an optimizer sees a few tensors a layer.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "model/matrix.h"
#include "model/moe_gpt_config.h"
#include "model/pass.h"

namespace moesim::model {

struct ExpertShape {
  Index hidden = 0;
  std::vector<Index> first = {0};  // [experts + 1] where each expert's units begin in the stack
  Activation activation = Activation::silu;
  bool gated = true;
  bool bias = false;
  double dropout = 0;  // of the activations, while training
  std::string name;    // of the dropout's draws: "layer 3 experts"

  int count() const { return static_cast<int>(first.size()) - 1; }
  Index units(int expert) const { return first[expert + 1] - first[expert]; }
};

template <class S>
struct ExpertWeights {
  Matrix<S> gate;       // [units of all experts, hidden]; empty when plain
  Matrix<S> up;         // [units of all experts, hidden]
  Matrix<S> down;       // [units of all experts, hidden]: the transpose of a PyTorch Linear's
  Matrix<S> gate_bias;  // [1, units of all experts]; the biases are empty without `bias`
  Matrix<S> up_bias;    // [1, units of all experts]
  Matrix<S> down_bias;  // [experts, hidden]
};

// Calls visit(a's, b's) for the six matrices of two ExpertWeights, empty ones included, always in
// the order above.
template <class A, class B, class Visit>
void for_each_matrix(A& a, B& b, Visit&& visit) {
  visit(a.gate, b.gate);
  visit(a.up, b.up);
  visit(a.down, b.down);
  visit(a.gate_bias, b.gate_bias);
  visit(a.up_bias, b.up_bias);
  visit(a.down_bias, b.down_bias);
}

// The same of one: visit(matrix).
template <class W, class Visit>
void for_each_matrix(W& weights, Visit&& visit) {
  for_each_matrix(weights, weights, [&](auto& matrix, auto&) { visit(matrix); });
}

// Rows in the experts' order: those of expert e are [first_row[e], first_row[e + 1]).
struct ExpertCacheLayout {
  std::vector<Index> first_row;   // [experts + 1]
  std::vector<Index> first_unit;  // [experts + 1] where an expert's rows x units block begins
};

// Activations are blocks [rows of e, units of e], block after block. The vectors never shrink.
template <class S>
struct ExpertCache {
  ExpertCacheLayout layout;
  std::vector<S> gate;  // before the activation function; empty when plain
  std::vector<S> up;    // before the activation function when plain
  // After function, product and dropout. Of no use once forward() has returned: layers that run one
  // after another can share it.
  std::vector<S> activated;
};

// The gradients of a backward pass's rows.
template <class S>
struct ExpertRows {
  // In: [rows, hidden], of each row's output times its weight.
  const Matrix<S>& d_output;
  // Out: [rows, hidden]. May be the same matrix as d_output.
  Matrix<S>& d_input;
  bool add_to_d_input = false;  // else it is sized and written
  const S* weights = nullptr;   // in: [rows], the routing weights; null: 1 each
  S* d_weights = nullptr;       // out: [rows], their gradient; null: not asked for
};

// The experts as a pass runs them.
template <class S>
struct Experts {
  const ExpertWeights<S>& weights;
  const ExpertShape& shape;
  const Pass<S>& pass;

  // input, [rows, hidden] -> output, [rows, hidden]; `first_row` is [experts + 1].
  void forward(std::span<const Index> first_row, const Matrix<S>& input, ExpertCache<S>& cache,
               Matrix<S>& output) const;

  // Of the forward pass that filled `cache` from the same input. Writes or adds to
  // (pass.add_gradients) `gradient`: zero where an expert has no rows. Uses the cache up: its place
  // holds the gradients of gate and up afterwards.
  void backward(const Matrix<S>& input, const ExpertRows<S>& rows, ExpertCache<S>& cache,
                ExpertWeights<S>& gradient) const;
};

}  // namespace moesim::model
