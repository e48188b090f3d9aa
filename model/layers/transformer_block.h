// SPDX-License-Identifier: Apache-2.0
// One pre-norm transformer block: x += attention(norm(x)); x += feed_forward(norm(x)), where the
// feed-forward part is a MoE layer or one dense network.
#pragma once

#include <string>

#include "model/layers/attention.h"
#include "model/layers/layer_norm.h"
#include "model/layers/moe_layer.h"

namespace moesim::model {

struct BlockShape {
  AttentionShape attention;
  bool is_moe = true;
  MoeLayerShape moe;  // when is_moe
  ExpertShape dense;  // of one expert, otherwise
  double residual_dropout = 0;
  std::string name;  // "layer 3": begins the names of the block's draws
  int layer = 0;
};

BlockShape block_shape(const MoeGptConfig& config, int layer);

template <class S>
struct BlockWeights {
  LayerNormWeights<S> attention_norm;
  AttentionWeights<S> attention;
  LayerNormWeights<S> ffn_norm;
  MoeLayerWeights<S> moe;  // empty in a dense block
  ExpertWeights<S> dense;  // empty in a MoE block
};

template <class S>
struct BlockCache {
  LayerNormCache<S> attention_norm;
  Matrix<S> attention_input;  // [tokens, hidden], normalised
  AttentionCache<S> attention;
  LayerNormCache<S> ffn_norm;
  Matrix<S> ffn_input;  // [tokens, hidden], normalised
  MoeLayerCache<S> moe;
  ExpertCache<S> dense;

  Matrix<S> branch;   // [tokens, hidden] scratch: what a part adds; its input's gradient
  Matrix<S> dropped;  // [tokens, hidden] scratch: a gradient times the dropout's factors
};

// Hands what no later pass reads on to the next layer's cache, so that all layers share one.
template <class S>
void hand_on_scratch(BlockCache<S>& from, BlockCache<S>& to);

// A block as a pass runs it.
template <class S>
struct TransformerBlock {
  const BlockWeights<S>& weights;
  const BlockShape& shape;
  const TokenContext& context;
  const Pass<S>& pass;
  double loss_scale = 1;  // of the balancing losses, in the backward pass

  // Adds the block's two parts to `x`, [tokens, hidden].
  void forward(Matrix<S>& x, BlockCache<S>& cache) const;

  // The two parts apart. The first adds attention to `x` and leaves the feed-forward part's input
  // in cache.ffn_input; the second adds what becomes of that.
  void forward_attention(Matrix<S>& x, BlockCache<S>& cache) const;
  void forward_ffn(Matrix<S>& x, BlockCache<S>& cache) const;

  // forward() of the next token of a sequence, x [1, hidden], whose past is in `past`.
  void forward_next(Matrix<S>& x, KeyValueCache<S>& past, BlockCache<S>& cache) const;

  // Turns `dx`, the gradient of the block's result, into that of its input; writes or adds to
  // (pass.add_gradients) `gradient`. Uses the cache up, as Experts::backward.
  void backward(BlockCache<S>& cache, Matrix<S>& dx, BlockWeights<S>& gradient) const;
};

}  // namespace moesim::model
