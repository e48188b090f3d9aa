// SPDX-License-Identifier: Apache-2.0
// The seam between the MoE's mathematics and the processor that does it: the five operations that
// carry nearly all of a MoE layer's work, on plain views (pointer and shape). The layers say what
// is multiplied with what; a backend says how. Every operation's result is the same, bit for bit,
// for any number of threads.
#pragma once

#include <cstdint>
#include <span>

#include "model/matrix.h"

namespace moesim::model {

// A matrix to read: element (i, j) is data[i * row_stride + j * col_stride].
template <class S>
struct Operand {
  const S* data = nullptr;
  Index row_stride = 0;
  Index col_stride = 1;

  Operand transposed() const { return {data, col_stride, row_stride}; }
};

// c = a b + bias, or c += a b. Sums over k run in order, whatever the vector width.
template <class S>
struct Product {
  Index m = 0;  // rows of a and c
  Index n = 0;  // columns of b and c
  Index k = 0;  // columns of a, rows of b; 0 makes a b zero
  Operand<S> a;
  Operand<S> b;
  S* c = nullptr;  // row-major
  Index c_stride = 0;
  const S* bias = nullptr;  // [n], added to each row; not with `accumulate`
  bool accumulate = false;
};

// Which experts a token chooses by `scores`: the top_k largest, by falling score, of equal ones the
// lower expert first; a score that is not a number counts as the smallest.
template <class S>
struct Selection {
  const S* scores = nullptr;  // [tokens, num_experts], row-major
  int tokens = 0;
  int num_experts = 0;
  int top_k = 1;
  // Group limit (DeepSeek-V3, arXiv 2412.19437, section 2.1.2): of n_group groups of consecutive
  // experts only the topk_group best take part. A group's score is the sum of its `group_best`
  // largest scores (V3: 2; V2, arXiv 2405.04434: 1). n_group divides num_experts.
  int n_group = 1;
  int topk_group = 1;
  int group_best = 2;
};

// Rows that move between tokens' order and the experts' order.
template <class S>
struct RowMove {
  const S* from = nullptr;  // [., width]
  S* to = nullptr;          // [., width]
  Index width = 0;
};

template <class S>
class Backend {
 public:
  virtual ~Backend() = default;

  // The gate, and any other single product.
  virtual void multiply(const Product<S>& product) const = 0;
  // Products that do not touch each other's results, of any shapes (m, n or k may be 0): an
  // expert's rows each.
  virtual void grouped_multiply(std::span<const Product<S>> products) const = 0;
  // Writes experts[tokens, top_k].
  virtual void select(const Selection<S>& selection, std::int32_t* experts) const = 0;
  // to[i] = weight[i] * from[source[i]] for i in [0, source.size()); `weights` may be null (1).
  virtual void permute(const RowMove<S>& rows, std::span<const std::int32_t> source,
                       const S* weights) const = 0;
  // to[t] (+)= sum over slots s, in order, of weights[t, s] * from[place[t, s]] for t in
  // [0, place.size() / slots); a place of -1 adds nothing; `weights` may be null (1).
  virtual void combine(const RowMove<S>& rows, std::span<const std::int32_t> place, int slots,
                       const S* weights, bool accumulate) const = 0;
};

// Builders of operands from matrices and from blocks of them.
template <class M>
Operand<typename M::Scalar> operand(const M& matrix) {
  return {matrix.data(), matrix.outerStride(), 1};
}
template <class M>
Operand<typename M::Scalar> transposed(const M& matrix) {
  return operand(matrix).transposed();
}

}  // namespace moesim::model
