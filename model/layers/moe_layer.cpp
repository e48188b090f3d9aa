// SPDX-License-Identifier: Apache-2.0
#include "model/layers/moe_layer.h"

#include <array>

#include "base/check.h"

namespace moesim::model {
namespace {

bool is_routed(const RoutingBatch& batch, std::size_t pair) {
  return batch.is_kept(pair) && batch.experts[pair] != kNoExpert;
}

// The gradient of each pair's routing weight, from that of each row's.
template <class S>
void scatter_to_pairs(const ExpertOrder& order, const std::vector<S>& of_rows,
                      Matrix<S>& of_pairs) {
  of_pairs.setZero();
  for (std::size_t row = 0; row < of_rows.size(); ++row) {
    of_pairs.data()[order.pair[row]] = of_rows[row];
  }
}

template <class S>
std::vector<S> gather_from_pairs(const ExpertOrder& order, const Matrix<S>& of_pairs) {
  std::vector<S> of_rows(order.pair.size());
  for (std::size_t row = 0; row < of_rows.size(); ++row) {
    of_rows[row] = of_pairs.data()[order.pair[row]];
  }
  return of_rows;
}

// The rows of their tokens, in the experts' order.
template <class S>
void gather_rows(const Pass<S>& pass, const ExpertOrder& order, const Matrix<S>& from,
                 Matrix<S>& to) {
  to.resize(static_cast<Index>(order.token.size()), from.cols());
  pass.backend.permute({from.data(), to.data(), from.cols()}, order.token, nullptr);
}

}  // namespace

ExpertOrder order_by_expert(const RoutingBatch& batch) {
  ExpertOrder order;
  order.first_row.assign(batch.num_experts + 1, 0);
  const std::size_t pairs = batch.experts.size();
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    if (is_routed(batch, pair)) ++order.first_row[batch.experts[pair] + 1];
  }
  for (int e = 0; e < batch.num_experts; ++e) order.first_row[e + 1] += order.first_row[e];
  order.token.resize(order.first_row.back());
  order.pair.resize(order.first_row.back());
  order.place.assign(pairs, -1);
  std::vector<Index> next(order.first_row.begin(), order.first_row.end() - 1);
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    if (!is_routed(batch, pair)) continue;
    const Index row = next[batch.experts[pair]]++;
    order.token[row] = static_cast<std::int32_t>(pair) / batch.top_k;
    order.pair[row] = static_cast<std::int32_t>(pair);
    order.place[pair] = static_cast<std::int32_t>(row);
  }
  return order;
}

template <class S>
void MoeLayer<S>::forward(const Matrix<S>& x, MoeLayerCache<S>& cache, Matrix<S>& y) const {
  route(RouterRun<S>{weights.router, shape.router, context, pass}, x, cache.router);
  cache.order = order_by_expert(cache.router.batch);
  MoeLayerScratch<S>& scratch = cache.scratch;
  gather_rows(pass, cache.order, x, scratch.input);
  const Experts<S> experts{weights.experts, shape.experts, pass};
  experts.forward(cache.order.first_row, scratch.input, cache.experts, scratch.output);
  const bool has_shared = shape.shared.count() > 0;
  if (has_shared) {
    const std::array<Index, 2> all{0, x.rows()};
    Experts<S>{weights.shared, shape.shared, pass}.forward(all, x, cache.shared, y);
  }
  y.resize(x.rows(), x.cols());
  pass.backend.combine({scratch.output.data(), y.data(), x.cols()}, cache.order.place,
                       cache.router.batch.top_k, cache.router.weights.data(), has_shared);
}

template <class S>
void MoeLayer<S>::backward(const Matrix<S>& x, MoeLayerCache<S>& cache, const Matrix<S>& dy,
                           MoeLayerWeights<S>& gradient, Matrix<S>& dx) const {
  const ExpertOrder& order = cache.order;
  MoeLayerScratch<S>& scratch = cache.scratch;
  gather_rows(pass, order, x, scratch.input);
  gather_rows(pass, order, dy, scratch.output);
  const std::vector<S> row_weights = gather_from_pairs(order, cache.router.weights);
  std::vector<S> d_row_weights(row_weights.size());
  const ExpertRows<S> rows{.d_output = scratch.output,
                           .d_input = scratch.output,
                           .weights = row_weights.data(),
                           .d_weights = d_row_weights.data()};
  const Experts<S> experts{weights.experts, shape.experts, pass};
  experts.backward(scratch.input, rows, cache.experts, gradient.experts);
  scratch.d_weights.resizeLike(cache.router.weights);
  scatter_to_pairs(order, d_row_weights, scratch.d_weights);
  dx.resize(x.rows(), x.cols());
  pass.backend.combine({scratch.output.data(), dx.data(), x.cols()}, order.place,
                       cache.router.batch.top_k, nullptr, false);
  if (shape.shared.count() > 0) {
    const ExpertRows<S> all{.d_output = dy, .d_input = dx, .add_to_d_input = true};
    Experts<S>{weights.shared, shape.shared, pass}.backward(x, all, cache.shared, gradient.shared);
  }
  const RouterBackward<S> router{weights.router, shape.router, context, pass, loss_scale};
  router.run(x, cache.router, scratch.d_weights, gradient.router, dx);
}

template struct MoeLayer<float>;
template struct MoeLayer<double>;

}  // namespace moesim::model
