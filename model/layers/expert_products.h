// SPDX-License-Identifier: Apache-2.0
// The matrix products of a pass over a stack of experts, gathered for one call of the backend.
// Inner to the experts (expert.cpp).
#pragma once

#include <vector>

#include "model/layers/expert.h"

namespace moesim::model {

// An expert's place among the rows, the units and the activations.
struct ExpertBlock {
  Index first_row = 0;
  Index rows = 0;
  Index first_unit = 0;  // in the weights' stack
  Index units = 0;
  Index activations = 0;  // where its [rows, units] block begins
};

inline ExpertBlock block_of(const ExpertShape& shape, const ExpertCacheLayout& layout, int expert) {
  return {layout.first_row[expert], layout.first_row[expert + 1] - layout.first_row[expert],
          shape.first[expert], shape.units(expert), layout.first_unit[expert]};
}

// The products of one pass over all experts, in one call of the backend.
template <class S>
class ExpertProducts {
 public:
  ExpertProducts(const Experts<S>& experts, const ExpertCacheLayout& layout)
      : experts_(experts), layout_(layout) {}

  // activations[rows, units] = rows[rows, hidden] weights[units, hidden]^T + bias.
  void into_units(const Matrix<S>& rows, const Matrix<S>& weights, const Matrix<S>& bias,
                  S* activations) {
    const Index hidden = experts_.shape.hidden;
    for_blocks([&](const ExpertBlock& b, int) {
      Product<S> product = sized(b.rows, b.units, hidden);
      product.a = {rows.data() + b.first_row * hidden, hidden, 1};
      product.b = {weights.data() + b.first_unit * hidden, 1, hidden};
      product.c = activations + b.activations;
      product.c_stride = b.units;
      product.bias = bias.size() == 0 ? nullptr : bias.data() + b.first_unit;
      return product;
    });
  }

  // rows[rows, hidden] (+)= activations[rows, units] weights[units, hidden] + bias.
  void into_rows(const S* activations, const Matrix<S>& weights, const S* bias, bool accumulate,
                 Matrix<S>& rows) {
    const Index hidden = experts_.shape.hidden;
    for_blocks([&](const ExpertBlock& b, int expert) {
      Product<S> product = sized(b.rows, hidden, b.units);
      product.a = {activations + b.activations, b.units, 1};
      product.b = {weights.data() + b.first_unit * hidden, hidden, 1};
      product.c = rows.data() + b.first_row * hidden;
      product.c_stride = hidden;
      product.bias = bias == nullptr ? nullptr : bias + expert * hidden;
      product.accumulate = accumulate;
      return product;
    });
  }

  // gradient[units, hidden] (+)= activations[rows, units]^T rows[rows, hidden].
  void into_weights(const S* activations, const Matrix<S>& rows, Matrix<S>& gradient) {
    const Index hidden = experts_.shape.hidden;
    for_blocks([&](const ExpertBlock& b, int) {
      Product<S> product = sized(b.units, hidden, b.rows);
      product.a = {activations + b.activations, 1, b.units};
      product.b = {rows.data() + b.first_row * hidden, hidden, 1};
      product.c = gradient.data() + b.first_unit * hidden;
      product.c_stride = hidden;
      product.accumulate = experts_.pass.add_gradients;
      return product;
    });
  }

  // gradient[1, units] (+)= the sum of activations[rows, units] over rows; `ones` is [rows] of 1.
  void into_unit_bias(const S* ones, const S* activations, Matrix<S>& gradient) {
    for_blocks([&](const ExpertBlock& b, int) {
      Product<S> product = sized(1, b.units, b.rows);
      product.a = {ones, b.rows, 1};
      product.b = {activations + b.activations, b.units, 1};
      product.c = gradient.data() + b.first_unit;
      product.c_stride = b.units;
      product.accumulate = experts_.pass.add_gradients;
      return product;
    });
  }

  // gradient[experts, hidden] (+)= the sum of rows[rows, hidden] over an expert's rows, each times
  // its entry of `weights`, [rows].
  void into_row_bias(const S* weights, const Matrix<S>& rows, Matrix<S>& gradient) {
    const Index hidden = experts_.shape.hidden;
    for_blocks([&](const ExpertBlock& b, int expert) {
      Product<S> product = sized(1, hidden, b.rows);
      product.a = {weights + b.first_row, b.rows, 1};
      product.b = {rows.data() + b.first_row * hidden, hidden, 1};
      product.c = gradient.data() + expert * hidden;
      product.c_stride = hidden;
      product.accumulate = experts_.pass.add_gradients;
      return product;
    });
  }

  void run() {
    experts_.pass.backend.grouped_multiply(products_);
    products_.clear();
  }

 private:
  static Product<S> sized(Index m, Index n, Index k) {
    Product<S> product;
    product.m = m;
    product.n = n;
    product.k = k;
    return product;
  }

  template <class Make>
  void for_blocks(Make&& make) {
    for (int e = 0; e < experts_.shape.count(); ++e) {
      products_.push_back(make(block_of(experts_.shape, layout_, e), e));
    }
  }

  const Experts<S>& experts_;
  const ExpertCacheLayout& layout_;
  std::vector<Product<S>> products_;
};

}  // namespace moesim::model
