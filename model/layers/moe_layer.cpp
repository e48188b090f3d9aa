// SPDX-License-Identifier: Apache-2.0
#include "model/layers/moe_layer.h"

#include <algorithm>

namespace moesim::model {
namespace {

// Plain loops over a token's row: shorter than the set-up of a matrix expression, and vectorised.
template <class S>
void copy_row(const S* from, Index size, S* to) {
  std::copy_n(from, size, to);
}

template <class S>
void add_row(const S* from, S weight, Index size, S* to) {
  for (Index i = 0; i < size; ++i) to[i] += weight * from[i];
}

// Room for the rows of all experts, and for the results of the busiest.
template <class S>
void resize(const MoeLayerWeights<S>& weights, Index rows, ExpertCache<S>& cache) {
  const Index hidden = weights.gate.rows();
  const Index intermediate = weights.experts.gate.cols();
  cache.input.resize(rows, hidden);
  for (Matrix<S>* part : {&cache.gate, &cache.up, &cache.activated}) {
    part->resize(rows, intermediate);
  }
}

}  // namespace

Index ExpertOrder::most_rows() const {
  Index most = 0;
  for (std::size_t e = 1; e < first_row.size(); ++e) {
    most = std::max(most, first_row[e] - first_row[e - 1]);
  }
  return most;
}

ExpertOrder order_by_expert(const RoutingBatch& batch, const std::vector<std::uint8_t>& kept) {
  ExpertOrder order;
  order.first_row.assign(batch.num_experts + 1, 0);
  const std::size_t pairs = batch.experts.size();
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    if (kept.empty() || kept[pair] != 0) ++order.first_row[batch.experts[pair] + 1];
  }
  for (int e = 0; e < batch.num_experts; ++e) order.first_row[e + 1] += order.first_row[e];
  order.pair.resize(order.first_row.back());
  std::vector<Index> next(order.first_row.begin(), order.first_row.end() - 1);
  for (std::size_t pair = 0; pair < pairs; ++pair) {
    if (!kept.empty() && kept[pair] == 0) continue;
    order.pair[next[batch.experts[pair]]++] = static_cast<std::int32_t>(pair);
  }
  return order;
}

template <class S>
void route_tokens(const MoeLayerWeights<S>& weights, const MoeLayerShape& shape, const Matrix<S>& x,
                  MoeLayerCache<S>& cache) {
  const Matrix<S> logits = x * weights.gate;
  top_k_softmax(logits, shape.top_k, cache.routing);
  cache.balance_loss = 0;
  if (shape.aux_loss_coef > 0) {
    cache.balance_loss =
        balance_loss(logits, cache.routing.batch, shape.aux_loss_coef, cache.balance);
  }
}

template <class S>
Matrix<S> moe_layer(const MoeLayerWeights<S>& weights, const MoeLayerShape& shape,
                    const Matrix<S>& x, MoeLayerCache<S>& cache) {
  route_tokens(weights, shape, x, cache);
  const RoutingBatch& batch = cache.routing.batch;
  cache.input = x;
  cache.order =
      order_by_expert(batch, kept_pairs(batch, shape.capacity_factor, shape.token_drop_policy));
  resize(weights, static_cast<Index>(cache.order.pair.size()), cache.experts);
  const Index hidden = x.cols();
  Matrix<S> output(cache.order.most_rows(), hidden);
  Matrix<S> y = Matrix<S>::Zero(x.rows(), hidden);
  for (int expert = 0; expert < shape.num_experts; ++expert) {
    const ExpertRows where = cache.order.rows_of(expert);
    const std::int32_t* const pairs = cache.order.pair.data() + where.first_row;
    S* const input = cache.experts.input.data() + where.first_row * hidden;
    for (Index i = 0; i < where.rows; ++i) {
      copy_row(x.data() + pairs[i] / shape.top_k * hidden, hidden, input + i * hidden);
    }
    expert_forward(weights.experts, where, cache.experts, output);
    for (Index i = 0; i < where.rows; ++i) {
      const S weight = cache.routing.weights.data()[pairs[i]];
      add_row(output.data() + i * hidden, weight, hidden,
              y.data() + pairs[i] / shape.top_k * hidden);
    }
  }
  return y;
}

template <class S>
Matrix<S> MoeLayerBackward<S>::run(const MoeLayerCache<S>& cache, const Matrix<S>& dy,
                                   MoeLayerWeights<S>& gradient) const {
  const Index hidden = dy.cols();
  Matrix<S> dx = Matrix<S>::Zero(dy.rows(), hidden);
  Matrix<S> d_weights = Matrix<S>::Zero(dy.rows(), shape.top_k);
  ExpertGradients<S> rows;
  rows.resize(cache.order.most_rows(), hidden, weights.experts.gate.cols());
  for (int expert = 0; expert < shape.num_experts; ++expert) {
    const ExpertRows where = cache.order.rows_of(expert);
    const std::int32_t* const pairs = cache.order.pair.data() + where.first_row;
    for (Index i = 0; i < where.rows; ++i) {
      copy_row(dy.data() + pairs[i] / shape.top_k * hidden, hidden,
               rows.d_output.data() + i * hidden);
      rows.weight(i, 0) = cache.routing.weights.data()[pairs[i]];
    }
    expert_backward(weights.experts, where, cache.experts, rows, gradient.experts);
    for (Index i = 0; i < where.rows; ++i) {
      add_row(rows.d_input.data() + i * hidden, S(1), hidden,
              dx.data() + pairs[i] / shape.top_k * hidden);
      d_weights.data()[pairs[i]] = rows.d_weight(i, 0);
    }
  }
  Matrix<S> d_logits = top_k_softmax_backward(cache.routing, d_weights);
  if (shape.aux_loss_coef > 0) {
    add_balance_gradient(cache.balance, shape.aux_loss_coef * loss_scale, d_logits);
  }
  gradient.gate.noalias() = cache.input.transpose() * d_logits;
  dx.noalias() += d_logits * weights.gate.transpose();
  return dx;
}

template void route_tokens(const MoeLayerWeights<float>&, const MoeLayerShape&,
                           const Matrix<float>&, MoeLayerCache<float>&);
template void route_tokens(const MoeLayerWeights<double>&, const MoeLayerShape&,
                           const Matrix<double>&, MoeLayerCache<double>&);
template Matrix<float> moe_layer(const MoeLayerWeights<float>&, const MoeLayerShape&,
                                 const Matrix<float>&, MoeLayerCache<float>&);
template Matrix<double> moe_layer(const MoeLayerWeights<double>&, const MoeLayerShape&,
                                  const Matrix<double>&, MoeLayerCache<double>&);
template struct MoeLayerBackward<float>;
template struct MoeLayerBackward<double>;

}  // namespace moesim::model
