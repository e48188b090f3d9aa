// SPDX-License-Identifier: Apache-2.0
#include "model/layers/transformer_block.h"

namespace moesim::model {
namespace {

template <class S>
Matrix<S> add_attention(const BlockWeights<S>& weights, const BlockShape& shape, Matrix<S>& x,
                        BlockCache<S>& cache) {
  const Matrix<S> normalised = layer_norm(weights.attention_norm, x, cache.attention_norm);
  x += attention(weights.attention, shape.attention, normalised, cache.attention);
  return layer_norm(weights.moe_norm, x, cache.moe_norm);
}

}  // namespace

template <class S>
void transformer_block(const BlockWeights<S>& weights, const BlockShape& shape, Matrix<S>& x,
                       BlockCache<S>& cache) {
  const Matrix<S> normalised = add_attention(weights, shape, x, cache);
  x += moe_layer(weights.moe, shape.moe, normalised, cache.moe);
}

template <class S>
void transformer_block_until_gate(const BlockWeights<S>& weights, const BlockShape& shape,
                                  Matrix<S>& x, BlockCache<S>& cache) {
  const Matrix<S> normalised = add_attention(weights, shape, x, cache);
  route_tokens(weights.moe, shape.moe, normalised, cache.moe);
}

template <class S>
void BlockBackward<S>::run(const BlockCache<S>& cache, Matrix<S>& dx,
                           BlockWeights<S>& gradient) const {
  const MoeLayerBackward<S> moe_backward{weights.moe, shape.moe, loss_scale};
  const Matrix<S> d_moe = moe_backward.run(cache.moe, dx, gradient.moe);
  dx += layer_norm_backward(weights.moe_norm, cache.moe_norm, d_moe, gradient.moe_norm);
  const Matrix<S> d_attention = attention_backward(weights.attention, shape.attention,
                                                   cache.attention, dx, gradient.attention);
  dx += layer_norm_backward(weights.attention_norm, cache.attention_norm, d_attention,
                            gradient.attention_norm);
}

template void transformer_block(const BlockWeights<float>&, const BlockShape&, Matrix<float>&,
                                BlockCache<float>&);
template void transformer_block(const BlockWeights<double>&, const BlockShape&, Matrix<double>&,
                                BlockCache<double>&);
template void transformer_block_until_gate(const BlockWeights<float>&, const BlockShape&,
                                           Matrix<float>&, BlockCache<float>&);
template void transformer_block_until_gate(const BlockWeights<double>&, const BlockShape&,
                                           Matrix<double>&, BlockCache<double>&);
template struct BlockBackward<float>;
template struct BlockBackward<double>;

}  // namespace moesim::model
