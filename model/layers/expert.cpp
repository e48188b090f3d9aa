// SPDX-License-Identifier: Apache-2.0
#include "model/layers/expert.h"

#include <algorithm>

#include "base/check.h"
#include "model/layers/activation.h"
#include "model/layers/dropout.h"
#include "model/layers/expert_products.h"
#include "model/layers/expert_row_backward.h"

namespace moesim::model {
namespace {

void set_layout(const ExpertShape& shape, std::span<const Index> first_row,
                ExpertCacheLayout& layout) {
  const int experts = shape.count();
  CHECK(static_cast<int>(first_row.size()) == experts + 1, "every expert has its range of rows");
  layout.first_row.assign(first_row.begin(), first_row.end());
  layout.first_unit.assign(1, 0);
  for (int e = 0; e < experts; ++e) {
    const Index rows = first_row[e + 1] - first_row[e];
    layout.first_unit.push_back(layout.first_unit[e] + rows * shape.units(e));
  }
}

template <class S>
void make_room(std::vector<S>& values, Index size) {
  if (static_cast<Index>(values.size()) < size) values.resize(size);
}

// Calls work(block, row, at) for the rows of a piece, where `at` is where the row's activations
// begin.
template <class Work>
void for_rows_of_experts(const ExpertShape& shape, const ExpertCacheLayout& layout, Index first,
                         Index end, Work&& work) {
  const auto after = std::upper_bound(layout.first_row.begin(), layout.first_row.end(), first);
  int expert = static_cast<int>(after - layout.first_row.begin()) - 1;
  for (Index row = first; row < end; ++expert) {
    const ExpertBlock block = block_of(shape, layout, expert);
    for (; row < std::min(end, block.first_row + block.rows); ++row) {
      work(block, row, block.activations + (row - block.first_row) * block.units);
    }
  }
}

// activated = act(gate) * up, or act(up), with dropout.
template <class S>
void run_activation(const Experts<S>& experts, ExpertCache<S>& cache) {
  const ExpertShape& shape = experts.shape;
  const DropoutFactors<S> dropout(experts.pass, shape.name, shape.dropout);
  with_activation(shape.activation, [&](auto function) {
    const auto run_row = [&](const ExpertBlock& block, Index, Index at) {
      const S* const up = cache.up.data() + at;
      S* const activated = cache.activated.data() + at;
      if (shape.gated) {
        const S* const gate = cache.gate.data() + at;
        for (Index i = 0; i < block.units; ++i) activated[i] = function.at(gate[i]).value * up[i];
      } else {
        for (Index i = 0; i < block.units; ++i) activated[i] = function.at(up[i]).value;
      }
      dropout.apply(static_cast<std::uint64_t>(at), activated, block.units);
    };
    for_row_pieces(experts.pass, cache.layout.first_row.back(), [&](Index first, Index end) {
      for_rows_of_experts(shape, cache.layout, first, end, run_row);
    });
  });
}

template <class S>
void run_activation_backward(const Experts<S>& experts, const ExpertRows<S>& rows,
                             ExpertCache<S>& cache) {
  const ExpertShape& shape = experts.shape;
  const DropoutFactors<S> dropout(experts.pass, shape.name, shape.dropout);
  with_activation(shape.activation, [&](auto function) {
    const auto run_row = [&](const ExpertBlock& block, Index row, Index at) {
      const RowBackward<S> backward{shape.gated ? cache.gate.data() + at : nullptr,
                                    cache.up.data() + at, cache.activated.data() + at, block.units,
                                    rows.weights == nullptr ? S(1) : rows.weights[row]};
      const S d_weight = backward.run(function, dropout, static_cast<std::uint64_t>(at));
      if (rows.d_weights != nullptr) rows.d_weights[row] = d_weight;
    };
    for_row_pieces(experts.pass, cache.layout.first_row.back(), [&](Index first, Index end) {
      for_rows_of_experts(shape, cache.layout, first, end, run_row);
    });
  });
}

// The output is activated Wd + b: b's part of the routing weights' gradient.
template <class S>
void add_bias_to_weight_gradient(const Experts<S>& experts, const ExpertRows<S>& rows,
                                 const ExpertCacheLayout& layout) {
  const Index hidden = experts.shape.hidden;
  for (int e = 0; e < experts.shape.count(); ++e) {
    const S* const bias = experts.weights.down_bias.data() + e * hidden;
    for (Index row = layout.first_row[e]; row < layout.first_row[e + 1]; ++row) {
      rows.d_weights[row] += row_dot(rows.d_output.data() + row * hidden, bias, hidden);
    }
  }
}

template <class S>
void size_gradient(const ExpertWeights<S>& weights, const Pass<S>& pass, ExpertWeights<S>& to) {
  if (pass.add_gradients) return;
  for_each_matrix(weights, to, [](const Matrix<S>& of, Matrix<S>& sized) { sized.resizeLike(of); });
}

}  // namespace

template <class S>
void Experts<S>::forward(std::span<const Index> first_row, const Matrix<S>& input,
                         ExpertCache<S>& cache, Matrix<S>& output) const {
  set_layout(shape, first_row, cache.layout);
  CHECK(cache.layout.first_row.back() == input.rows(), "every row belongs to an expert");
  const Index size = cache.layout.first_unit.back();
  make_room(cache.up, size);
  make_room(cache.activated, size);
  ExpertProducts<S> products(*this, cache.layout);
  if (shape.gated) {
    make_room(cache.gate, size);
    products.into_units(input, weights.gate, weights.gate_bias, cache.gate.data());
  }
  products.into_units(input, weights.up, weights.up_bias, cache.up.data());
  products.run();
  run_activation(*this, cache);
  output.resize(input.rows(), shape.hidden);
  const S* const bias = shape.bias ? weights.down_bias.data() : nullptr;
  products.into_rows(cache.activated.data(), weights.down, bias, false, output);
  products.run();
}

template <class S>
void Experts<S>::backward(const Matrix<S>& input, const ExpertRows<S>& rows, ExpertCache<S>& cache,
                          ExpertWeights<S>& gradient) const {
  const Index count = input.rows();
  size_gradient(weights, pass, gradient);
  make_room(cache.activated, cache.layout.first_unit.back());
  S* const d_activated = cache.activated.data();
  ExpertProducts<S> products(*this, cache.layout);
  products.into_units(rows.d_output, weights.down, {}, d_activated);
  products.run();
  run_activation_backward(*this, rows, cache);
  products.into_weights(d_activated, rows.d_output, gradient.down);
  const S* const d_up = cache.up.data();
  const S* const d_gate = shape.gated ? cache.gate.data() : nullptr;
  if (shape.gated) products.into_weights(d_gate, input, gradient.gate);
  products.into_weights(d_up, input, gradient.up);
  std::vector<S> ones;
  if (shape.bias) {
    ones.assign(count, S(1));
    if (shape.gated) products.into_unit_bias(ones.data(), d_gate, gradient.gate_bias);
    products.into_unit_bias(ones.data(), d_up, gradient.up_bias);
    const S* const row_weights = rows.weights == nullptr ? ones.data() : rows.weights;
    products.into_row_bias(row_weights, rows.d_output, gradient.down_bias);
    if (rows.d_weights != nullptr) add_bias_to_weight_gradient(*this, rows, cache.layout);
  }
  products.run();
  // The gradients of the output have been read by now, so that d_input may take their place.
  if (!rows.add_to_d_input) rows.d_input.resize(count, shape.hidden);
  if (shape.gated) {
    products.into_rows(d_gate, weights.gate, nullptr, rows.add_to_d_input, rows.d_input);
    products.run();
  }
  products.into_rows(d_up, weights.up, nullptr, shape.gated || rows.add_to_d_input, rows.d_input);
  products.run();
}

template struct Experts<float>;
template struct Experts<double>;

}  // namespace moesim::model
