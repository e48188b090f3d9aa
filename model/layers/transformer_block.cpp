// SPDX-License-Identifier: Apache-2.0
#include "model/layers/transformer_block.h"

#include <array>
#include <utility>

#include "model/layers/dropout.h"

namespace moesim::model {
namespace {

ExpertShape one_expert(const MoeGptConfig& config, Index units) {
  ExpertShape shape;
  shape.hidden = config.hidden_size;
  shape.first = {0, units};
  shape.activation = config.hidden_act;
  shape.gated = config.gated;
  shape.bias = config.mlp_bias;
  shape.dropout = config.expert_dropout;
  return shape;
}

MoeLayerShape moe_shape(const MoeGptConfig& config, const std::string& name) {
  MoeLayerShape shape;
  shape.router = config.router;
  shape.experts = one_expert(config, 0);
  shape.experts.first = {0};
  for (const int units : config.expert_sizes()) {
    shape.experts.first.push_back(shape.experts.first.back() + units);
  }
  shape.experts.name = name + " experts";
  shape.shared.hidden = config.hidden_size;
  if (config.n_shared_experts > 0) {
    shape.shared =
        one_expert(config, Index{config.n_shared_experts} * config.moe_intermediate_size);
    shape.shared.name = name + " shared experts";
  }
  return shape;
}

template <class S>
void add_rows(const Pass<S>& pass, const Matrix<S>& from, Matrix<S>& to) {
  for_row_pieces(pass, to.rows(), [&](Index first, Index end) {
    to.middleRows(first, end - first) += from.middleRows(first, end - first);
  });
}

// The gradient of what the dropout named `name` was applied to: `dx` itself where there is none.
template <class S>
const Matrix<S>& through_dropout(const TransformerBlock<S>& block, const std::string& name,
                                 const Matrix<S>& dx, Matrix<S>& scratch) {
  if (!block.pass.training || block.shape.residual_dropout == 0) return dx;
  scratch = dx;
  apply_dropout(block.pass, name, block.shape.residual_dropout, scratch);
  return scratch;
}

std::string attention_dropout_name(const BlockShape& shape) {
  return shape.name + " residual after attention";
}

std::string ffn_dropout_name(const BlockShape& shape) {
  return shape.name + " residual after feed-forward";
}

}  // namespace

BlockShape block_shape(const MoeGptConfig& config, int layer) {
  BlockShape shape;
  shape.name = "layer " + std::to_string(layer);
  shape.layer = layer;
  shape.attention = {.num_heads = config.num_attention_heads,
                     .num_key_value_heads = config.key_value_heads(),
                     .head_size = config.head_size(),
                     .seq_length = config.seq_length,
                     .dropout = config.attention_dropout,
                     .name = shape.name + " attention"};
  shape.residual_dropout = config.residual_dropout;
  shape.is_moe = config.is_moe_layer(layer);
  if (shape.is_moe) {
    shape.moe = moe_shape(config, shape.name);
  } else {
    shape.dense = one_expert(config, config.intermediate_size);
    shape.dense.name = shape.name + " dense";
  }
  return shape;
}

template <class S>
void hand_on_scratch(BlockCache<S>& from, BlockCache<S>& to) {
  if (&from == &to) return;
  std::swap(from.branch, to.branch);
  std::swap(from.dropped, to.dropped);
  std::swap(from.moe.scratch, to.moe.scratch);
  std::swap(from.moe.experts.activated, to.moe.experts.activated);
  std::swap(from.moe.shared.activated, to.moe.shared.activated);
  std::swap(from.dense.activated, to.dense.activated);
}

template <class S>
void TransformerBlock<S>::forward_attention(Matrix<S>& x, BlockCache<S>& cache) const {
  layer_norm(weights.attention_norm, pass, x, cache.attention_norm, cache.attention_input);
  Attention<S>{weights.attention, shape.attention, pass}.forward(cache.attention_input,
                                                                 cache.attention, cache.branch);
  apply_dropout(pass, attention_dropout_name(shape), shape.residual_dropout, cache.branch);
  add_rows(pass, cache.branch, x);
  layer_norm(weights.ffn_norm, pass, x, cache.ffn_norm, cache.ffn_input);
}

template <class S>
void TransformerBlock<S>::forward(Matrix<S>& x, BlockCache<S>& cache) const {
  forward_attention(x, cache);
  forward_ffn(x, cache);
}

template <class S>
void TransformerBlock<S>::forward_next(Matrix<S>& x, KeyValueCache<S>& past,
                                       BlockCache<S>& cache) const {
  layer_norm(weights.attention_norm, pass, x, cache.attention_norm, cache.attention_input);
  Attention<S>{weights.attention, shape.attention, pass}.next(cache.attention_input, past,
                                                              cache.branch);
  add_rows(pass, cache.branch, x);
  layer_norm(weights.ffn_norm, pass, x, cache.ffn_norm, cache.ffn_input);
  forward_ffn(x, cache);
}

template <class S>
void TransformerBlock<S>::forward_ffn(Matrix<S>& x, BlockCache<S>& cache) const {
  if (shape.is_moe) {
    const MoeLayer<S> moe{weights.moe, shape.moe, context, pass};
    moe.forward(cache.ffn_input, cache.moe, cache.branch);
  } else {
    const std::array<Index, 2> all{0, x.rows()};
    const Experts<S> dense{weights.dense, shape.dense, pass};
    dense.forward(all, cache.ffn_input, cache.dense, cache.branch);
  }
  apply_dropout(pass, ffn_dropout_name(shape), shape.residual_dropout, cache.branch);
  add_rows(pass, cache.branch, x);
}

template <class S>
void TransformerBlock<S>::backward(BlockCache<S>& cache, Matrix<S>& dx,
                                   BlockWeights<S>& gradient) const {
  const Matrix<S>& d_ffn = through_dropout(*this, ffn_dropout_name(shape), dx, cache.dropped);
  if (shape.is_moe) {
    const MoeLayer<S> moe{weights.moe, shape.moe, context, pass, loss_scale};
    moe.backward(cache.ffn_input, cache.moe, d_ffn, gradient.moe, cache.branch);
  } else {
    const ExpertRows<S> rows{.d_output = d_ffn, .d_input = cache.branch};
    const Experts<S> dense{weights.dense, shape.dense, pass};
    dense.backward(cache.ffn_input, rows, cache.dense, gradient.dense);
  }
  LayerNormBackward<S>{weights.ffn_norm, pass}.run(cache.ffn_norm, cache.branch, gradient.ffn_norm,
                                                   dx);
  const Matrix<S>& d_attention =
      through_dropout(*this, attention_dropout_name(shape), dx, cache.dropped);
  Attention<S>{weights.attention, shape.attention, pass}.backward(
      cache.attention_input, cache.attention, d_attention, gradient.attention, cache.branch);
  LayerNormBackward<S>{weights.attention_norm, pass}.run(cache.attention_norm, cache.branch,
                                                         gradient.attention_norm, dx);
}

template void hand_on_scratch(BlockCache<float>&, BlockCache<float>&);
template void hand_on_scratch(BlockCache<double>&, BlockCache<double>&);
template struct TransformerBlock<float>;
template struct TransformerBlock<double>;

}  // namespace moesim::model
