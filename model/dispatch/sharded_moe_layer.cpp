// SPDX-License-Identifier: Apache-2.0
#include "model/dispatch/sharded_moe_layer.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "model/dispatch/expert_shard.h"

namespace moesim::model {
namespace {

// One buffer a rank.
template <class S>
using Buffers = std::vector<std::vector<S>>;

// Gives each rank its tokens and its experts.
template <class S>
void make_shards(const ShardedMoeLayer<S>& layer, const Matrix<S>& x,
                 std::vector<MoeShard<S>>& shards) {
  const Index ranks = layer.placement.num_ranks;
  CHECK(x.rows() >= ranks, "every rank has a token");
  shards.resize(ranks);
  Index first = 0;
  for (Index rank = 0; rank < ranks; ++rank) {
    MoeShard<S>& shard = shards[rank];
    const Index tokens = x.rows() / ranks + (rank < x.rows() % ranks ? 1 : 0);
    shard.first_token = first;
    shard.x = x.middleRows(first, tokens);
    shard.context = layer.context;
    if (!layer.context.bytes.empty()) {
      shard.context.bytes = layer.context.bytes.subspan(first, tokens);
    }
    shard.held = layer.placement.experts_of_rank(static_cast<int>(rank));
    shard.shape = shard_shape(layer.shape.experts, shard.held);
    shard.weights = shard_weights(layer.weights.experts, layer.shape.experts, shard.held);
    first += tokens;
  }
}

// The rows' movements of one layer.
template <class S>
class RowExchange {
 public:
  RowExchange(const ShardedMoeCache<S>& cache, Index hidden, const Backend<S>& backend)
      : cache_(cache), hidden_(hidden), backend_(backend) {}

  // A rank's send buffer: for every kept pair its token's row of `rows`, the rank's own.
  template <class Rows>
  std::vector<S> send_rows(std::size_t rank, const Rows& rows) const {
    const std::vector<std::int32_t>& pairs = cache_.exchange.sent_pairs[rank];
    std::vector<S> buffer(pairs.size() * hidden_);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      Matrix<S>::Map(buffer.data() + i * hidden_, 1, hidden_) = rows.row(token_of(rank, pairs[i]));
    }
    return buffer;
  }

  // The same for one value of each pair, of [tokens, top_k].
  std::vector<S> send_values(std::size_t rank, const Matrix<S>& values) const {
    std::vector<S> buffer;
    for (const std::int32_t pair : cache_.exchange.sent_pairs[rank]) {
      buffer.push_back(values.data()[pair]);
    }
    return buffer;
  }

  // A receive buffer's rows of `width` in the order of the rank's experts.
  Matrix<S> by_expert(std::size_t rank, const std::vector<S>& received, Index width) const {
    const std::vector<std::int32_t>& order = cache_.exchange.expert_order[rank];
    Matrix<S> rows(static_cast<Index>(order.size()), width);
    for (std::size_t i = 0; i < order.size(); ++i) {
      std::copy_n(received.data() + order[i] * width, width, rows.data() + i * width);
    }
    return rows;
  }

  // Back to the order of the receive buffer.
  std::vector<S> by_source(std::size_t rank, const Matrix<S>& rows) const {
    const std::vector<std::int32_t>& order = cache_.exchange.expert_order[rank];
    std::vector<S> received(rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      std::copy_n(rows.data() + i * rows.cols(), rows.cols(),
                  received.data() + order[i] * rows.cols());
    }
    return received;
  }

  // rows[token] += weight x the returned row of each of its pairs, in the order of their slots;
  // `weights` is [tokens, top_k] or null (1).
  void combine(std::size_t rank, const std::vector<S>& returned, const S* weights,
               Matrix<S>& rows) const {
    const std::vector<std::int32_t>& pairs = cache_.exchange.sent_pairs[rank];
    std::vector<std::int32_t> place(cache_.shards[rank].router.batch.experts.size(), -1);
    for (std::size_t i = 0; i < pairs.size(); ++i) place[pairs[i]] = static_cast<std::int32_t>(i);
    backend_.combine({returned.data(), rows.data(), hidden_}, place,
                     cache_.shards[rank].router.batch.top_k, weights, true);
  }

 private:
  Index token_of(std::size_t rank, std::int32_t pair) const {
    return pair / cache_.shards[rank].router.batch.top_k;
  }

  const ShardedMoeCache<S>& cache_;
  Index hidden_;
  const Backend<S>& backend_;
};

std::vector<Index> first_rows(const Exchange& exchange, std::size_t rank) {
  return {exchange.first_row[rank].begin(), exchange.first_row[rank].end()};
}

}  // namespace

template <class S>
void ShardedMoeLayer<S>::forward(const Matrix<S>& x, ShardedMoeCache<S>& cache,
                                 Matrix<S>& y) const {
  make_shards(*this, x, cache.shards);
  std::vector<RoutingBatch> batches;
  for (MoeShard<S>& shard : cache.shards) {
    const RouterRun<S> router{weights.router, shape.router, shard.context, pass};
    route(router, shard.x, shard.router);
    batches.push_back(shard.router.batch);
  }
  cache.exchange = plan_exchange(batches, placement);
  const RowExchange<S> rows(cache, x.cols(), pass.backend);
  Buffers<S> send;
  for (std::size_t rank = 0; rank < cache.shards.size(); ++rank) {
    send.push_back(rows.send_rows(rank, cache.shards[rank].x));
  }
  Buffers<S> results = all_to_all(cache.exchange, send, x.cols());
  for (std::size_t rank = 0; rank < cache.shards.size(); ++rank) {
    MoeShard<S>& shard = cache.shards[rank];
    shard.input = rows.by_expert(rank, results[rank], x.cols());
    Matrix<S> output;
    Experts<S>{shard.weights, shard.shape, pass}.forward(first_rows(cache.exchange, rank),
                                                         shard.input, shard.experts, output);
    results[rank] = rows.by_source(rank, output);
  }
  const Buffers<S> returned = all_to_all_back(cache.exchange, results, x.cols());
  y.resize(x.rows(), x.cols());
  for (std::size_t rank = 0; rank < cache.shards.size(); ++rank) {
    MoeShard<S>& shard = cache.shards[rank];
    Matrix<S> own = Matrix<S>::Zero(shard.x.rows(), x.cols());
    if (shape.shared.count() > 0) {
      const std::array<Index, 2> all{0, shard.x.rows()};
      Experts<S>{weights.shared, shape.shared, pass}.forward(all, shard.x, shard.shared, own);
    }
    rows.combine(rank, returned[rank], shard.router.weights.data(), own);
    y.middleRows(shard.first_token, shard.x.rows()) = own;
  }
}

namespace {

// What travels back in a backward pass.
template <class S>
struct ReturnedGradients {
  Buffers<S> inputs;   // of the rows
  Buffers<S> weights;  // of the routing weights
};

// Sends dy's rows and the routing weights to the experts and brings the gradients back.
template <class S>
ReturnedGradients<S> expert_gradients(const ShardedMoeLayer<S>& layer, const RowExchange<S>& rows,
                                      ShardedMoeCache<S>& cache, const Matrix<S>& dy,
                                      ExpertWeights<S>& gradient) {
  const Exchange& exchange = cache.exchange;
  Buffers<S> sent_rows;
  Buffers<S> sent_weights;
  for (std::size_t rank = 0; rank < cache.shards.size(); ++rank) {
    const MoeShard<S>& shard = cache.shards[rank];
    sent_rows.push_back(rows.send_rows(rank, dy.middleRows(shard.first_token, shard.x.rows())));
    sent_weights.push_back(rows.send_values(rank, shard.router.weights));
  }
  Buffers<S> d_rows = all_to_all(exchange, sent_rows, dy.cols());
  Buffers<S> d_weights = all_to_all(exchange, sent_weights, 1);
  Pass<S> pass = layer.pass;
  pass.add_gradients = false;
  for_each_matrix(gradient, [](Matrix<S>& matrix) { matrix.setZero(); });
  for (std::size_t rank = 0; rank < cache.shards.size(); ++rank) {
    MoeShard<S>& shard = cache.shards[rank];
    Matrix<S> d_output = rows.by_expert(rank, d_rows[rank], dy.cols());
    const Matrix<S> weight = rows.by_expert(rank, d_weights[rank], 1);
    Matrix<S> d_weight = weight;
    const ExpertRows<S> parts{.d_output = d_output,
                              .d_input = d_output,
                              .weights = weight.data(),
                              .d_weights = d_weight.data()};
    ExpertWeights<S> own = shard.weights;
    Experts<S>{shard.weights, shard.shape, pass}.backward(shard.input, parts, shard.experts, own);
    add_shard(own, layer.shape.experts, shard.held, gradient);
    d_rows[rank] = rows.by_source(rank, d_output);
    d_weights[rank] = rows.by_source(rank, d_weight);
  }
  return {all_to_all_back(exchange, d_rows, dy.cols()), all_to_all_back(exchange, d_weights, 1)};
}

}  // namespace

template <class S>
void ShardedMoeLayer<S>::backward(ShardedMoeCache<S>& cache, const Matrix<S>& dy,
                                  MoeLayerWeights<S>& gradient, Matrix<S>& dx) const {
  const RowExchange<S> rows(cache, dy.cols(), pass.backend);
  const ReturnedGradients<S> returned = expert_gradients(*this, rows, cache, dy, gradient.experts);
  dx.resize(dy.rows(), dy.cols());
  Pass<S> own_pass = pass;
  for (std::size_t rank = 0; rank < cache.shards.size(); ++rank) {
    MoeShard<S>& shard = cache.shards[rank];
    own_pass.add_gradients = rank > 0;  // the ranks' router and shared gradients, summed in order
    Matrix<S> own = Matrix<S>::Zero(shard.x.rows(), dy.cols());
    rows.combine(rank, returned.inputs[rank], nullptr, own);
    if (shape.shared.count() > 0) {
      const Matrix<S> own_dy = dy.middleRows(shard.first_token, shard.x.rows());
      const ExpertRows<S> all{.d_output = own_dy, .d_input = own, .add_to_d_input = true};
      Experts<S>{weights.shared, shape.shared, own_pass}.backward(shard.x, all, shard.shared,
                                                                  gradient.shared);
    }
    Matrix<S> d_weights = Matrix<S>::Zero(shard.x.rows(), shard.router.batch.top_k);
    const std::vector<std::int32_t>& pairs = cache.exchange.sent_pairs[rank];
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      d_weights.data()[pairs[i]] = returned.weights[rank][i];
    }
    const double share = static_cast<double>(shard.x.rows()) / static_cast<double>(dy.rows());
    const RouterBackward<S> router{weights.router, shape.router, shard.context, own_pass, share};
    router.run(shard.x, shard.router, d_weights, gradient.router, own);
    dx.middleRows(shard.first_token, shard.x.rows()) = own;
  }
}

template struct ShardedMoeLayer<float>;
template struct ShardedMoeLayer<double>;

}  // namespace moesim::model
