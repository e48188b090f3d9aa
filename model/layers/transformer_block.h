// SPDX-License-Identifier: Apache-2.0
// One pre-norm transformer block whose feed-forward part is a MoE layer:
// x += attention(norm(x)); x += moe(norm(x)).
#pragma once

#include "model/layers/attention.h"
#include "model/layers/layer_norm.h"
#include "model/layers/moe_layer.h"
#include "model/matrix.h"

namespace moesim::model {

struct BlockShape {
  AttentionShape attention;
  MoeLayerShape moe;
};

template <class S>
struct BlockWeights {
  LayerNormWeights<S> attention_norm;
  AttentionWeights<S> attention;
  LayerNormWeights<S> moe_norm;
  MoeLayerWeights<S> moe;
};

template <class S>
struct BlockCache {
  LayerNormCache<S> attention_norm;
  AttentionCache<S> attention;
  LayerNormCache<S> moe_norm;
  MoeLayerCache<S> moe;
};

// Adds the block's two parts to `x`, [tokens, hidden].
template <class S>
void transformer_block(const BlockWeights<S>& weights, const BlockShape& shape, Matrix<S>& x,
                       BlockCache<S>& cache);

// Stops at the gate's decision (cache.moe.routing); `x` has had the attention part added.
template <class S>
void transformer_block_until_gate(const BlockWeights<S>& weights, const BlockShape& shape,
                                  Matrix<S>& x, BlockCache<S>& cache);

// Turns `dx`, the gradient of the block's result, into that of its input. `loss_scale` as in
// MoeLayerBackward; `gradient` is written, not added to.
template <class S>
struct BlockBackward {
  const BlockWeights<S>& weights;
  const BlockShape& shape;
  double loss_scale = 1;

  void run(const BlockCache<S>& cache, Matrix<S>& dx, BlockWeights<S>& gradient) const;
};

}  // namespace moesim::model
