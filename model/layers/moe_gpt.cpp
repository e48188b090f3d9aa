// SPDX-License-Identifier: Apache-2.0
#include "model/layers/moe_gpt.h"

#include <utility>

#include "base/check.h"
#include "model/layers/dropout.h"

namespace moesim::model {
namespace {

template <class S>
void embed_inputs(const MoeGptWeights<S>& weights, const MoeGptConfig& config, const Pass<S>& pass,
                  std::span<const std::uint8_t> inputs, Matrix<S>& rows) {
  CHECK(!inputs.empty(), "a pass has at least one token");
  embed(weights.embedding, pass, inputs, rows);
  apply_dropout(pass, "embedding", config.embedding_dropout, rows);
}

// The stack of blocks over one call's tokens.
template <class S>
struct Blocks {
  const MoeGptWeights<S>& weights;
  const MoeGptConfig& config;
  const Pass<S>& pass;
  std::span<const std::uint8_t> inputs;
  double loss_scale = 1;

  // Calls work(block) with the layer as the pass runs it.
  template <class Work>
  void visit(std::size_t layer, Work&& work) const {
    const BlockShape shape = block_shape(config, static_cast<int>(layer));
    const TokenContext context{inputs, config.seq_length, static_cast<int>(layer)};
    work(TransformerBlock<S>{weights.blocks[layer], shape, context, pass, loss_scale});
  }

  void forward(std::size_t layer, Matrix<S>& x, BlockCache<S>& cache) const {
    visit(layer, [&](const TransformerBlock<S>& block) { block.forward(x, cache); });
  }

  void backward(std::size_t layer, BlockCache<S>& cache, Matrix<S>& dx,
                BlockWeights<S>& gradient) const {
    visit(layer, [&](const TransformerBlock<S>& block) { block.backward(cache, dx, gradient); });
  }
};

// What a recomputing pass keeps of a router: what its users read afterwards.
template <class S>
void keep_decision(const RouterCache<S>& from, RouterCache<S>& to) {
  to.batch = from.batch;
  to.chosen = from.chosen;
  to.load = from.load;
  to.losses = from.losses;
  to.loss = from.loss;
}

template <class S>
void forward_and_keep_inputs(const Blocks<S>& blocks, MoeGptCache<S>& cache) {
  for (std::size_t layer = 0; layer < cache.blocks.size(); ++layer) {
    cache.block_inputs[layer] = cache.stream;
    blocks.forward(layer, cache.stream, cache.working);
    keep_decision(cache.working.moe.router, cache.blocks[layer].moe.router);
  }
}

template <class S>
void forward_and_keep_all(const Blocks<S>& blocks, MoeGptCache<S>& cache) {
  // The pass before, if it had no way back, left the scratch with the last layer.
  if (cache.blocks.front().branch.size() == 0) {
    hand_on_scratch(cache.blocks.back(), cache.blocks.front());
  }
  for (std::size_t layer = 0; layer < cache.blocks.size(); ++layer) {
    if (layer > 0) hand_on_scratch(cache.blocks[layer - 1], cache.blocks[layer]);
    blocks.forward(layer, cache.stream, cache.blocks[layer]);
  }
}

}  // namespace

template <class S>
MoeGptLoss moe_gpt_loss(const MoeGptWeights<S>& weights, const MoeGptConfig& config,
                        const Pass<S>& pass, const TokenBatch& batch, MoeGptCache<S>& cache) {
  const std::size_t layers = weights.blocks.size();
  CHECK(batch.targets.size() == batch.inputs.size(), "every token has its next byte");
  cache.blocks.resize(layers);
  cache.block_inputs.resize(cache.recompute_blocks ? layers : 0);
  embed_inputs(weights, config, pass, batch.inputs, cache.stream);
  const Blocks<S> blocks{weights, config, pass, batch.inputs};
  if (cache.recompute_blocks) {
    forward_and_keep_inputs(blocks, cache);
  } else if (layers > 0) {
    forward_and_keep_all(blocks, cache);
  }
  MoeGptLoss loss;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    if (!config.is_moe_layer(static_cast<int>(layer))) continue;
    loss.balance += cache.blocks[layer].moe.router.loss;
  }
  layer_norm(weights.final_norm, pass, cache.stream, cache.final_norm, cache.head.input);
  loss.cross_entropy = cross_entropy(head_of(weights), pass, batch.targets, cache.head);
  return loss;
}

template <class S>
void MoeGptBackward<S>::run(MoeGptCache<S>& cache, MoeGptWeights<S>& gradient) const {
  const bool tied = weights.head.size() == 0;
  Matrix<S>& head_gradient = tied ? gradient.embedding.token : gradient.head;
  const CrossEntropyBackward<S> head{head_of(weights), pass, batch.targets, loss_scale};
  head.run(cache.head, head_gradient, cache.d_normalised);
  Matrix<S>& dx = cache.stream;
  dx.setZero();
  LayerNormBackward<S>{weights.final_norm, pass}.run(cache.final_norm, cache.d_normalised,
                                                     gradient.final_norm, dx);
  const Blocks<S> blocks{weights, config, pass, batch.inputs, loss_scale};
  for (std::size_t layer = weights.blocks.size(); layer-- > 0;) {
    if (cache.recompute_blocks) {
      // The last block's cache is still the one at hand.
      const bool is_last = layer + 1 == weights.blocks.size();
      if (!is_last) blocks.forward(layer, cache.block_inputs[layer], cache.working);
      blocks.backward(layer, cache.working, dx, gradient.blocks[layer]);
      continue;
    }
    blocks.backward(layer, cache.blocks[layer], dx, gradient.blocks[layer]);
    if (layer > 0) hand_on_scratch(cache.blocks[layer], cache.blocks[layer - 1]);
  }
  apply_dropout(pass, "embedding", config.embedding_dropout, dx);
  EmbeddingBackward<S>{pass, tied}.run(batch.inputs, dx, gradient.embedding);
}

template <class S>
Matrix<S>& ResidualStream<S>::run(std::span<const std::uint8_t> inputs, int layers,
                                  ForwardCache<S>& cache) const {
  embed_inputs(weights, config, pass, inputs, cache.stream);
  const Blocks<S> blocks{weights, config, pass, inputs};
  for (int layer = 0; layer < layers; ++layer) blocks.forward(layer, cache.stream, cache.block);
  return cache.stream;
}

template <class S>
const Matrix<S>& moe_gpt_logits(const MoeGptWeights<S>& weights, const MoeGptConfig& config,
                                const Pass<S>& pass, std::span<const std::uint8_t> inputs,
                                ForwardCache<S>& cache) {
  const ResidualStream<S> stream{weights, config, pass};
  const Matrix<S>& x = stream.run(inputs, static_cast<int>(weights.blocks.size()), cache);
  // The last block is done with its norm's places.
  Matrix<S>& normalised = cache.block.ffn_input;
  layer_norm(weights.final_norm, pass, x, cache.block.ffn_norm, normalised);
  head_logits(head_of(weights), pass, normalised, cache.logits);
  return cache.logits;
}

template <class S>
Matrix<S> moe_gpt_logits(const MoeGptWeights<S>& weights, const MoeGptConfig& config,
                         const Pass<S>& pass, std::span<const std::uint8_t> inputs) {
  ForwardCache<S> cache;
  moe_gpt_logits(weights, config, pass, inputs, cache);
  return std::move(cache.logits);
}

template <class S>
std::vector<RoutingBatch> route_bytes(const MoeGptWeights<S>& weights, const MoeGptConfig& config,
                                      const Pass<S>& pass, std::span<const std::uint8_t> inputs) {
  MoeGptConfig quiet = config;
  quiet.router.balance = {.aux_loss_coef = 0,
                          .bias_update_rate = config.router.balance.bias_update_rate};
  std::size_t last = weights.blocks.size();
  while (last > 0 && !config.is_moe_layer(static_cast<int>(last) - 1)) --last;
  const Blocks<S> blocks{weights, quiet, pass, inputs};
  std::vector<RoutingBatch> batches;
  BlockCache<S> cache;  // of one layer at a time
  Matrix<S> x;
  embed_inputs(weights, config, pass, inputs, x);
  for (std::size_t layer = 0; layer < last; ++layer) {
    blocks.visit(layer, [&](const TransformerBlock<S>& block) {
      if (layer + 1 < last) return block.forward(x, cache);
      // Of the last MoE layer only the gate is asked for.
      block.forward_attention(x, cache);
      const RouterRun<S> router{block.weights.moe.router, block.shape.moe.router, block.context,
                                pass};
      route(router, cache.ffn_input, cache.moe.router);
    });
    if (config.is_moe_layer(static_cast<int>(layer))) batches.push_back(cache.moe.router.batch);
  }
  return batches;
}

#define MOESIM_INSTANTIATE(S)                                                                     \
  template MoeGptLoss moe_gpt_loss(const MoeGptWeights<S>&, const MoeGptConfig&, const Pass<S>&,  \
                                   const TokenBatch&, MoeGptCache<S>&);                           \
  template struct MoeGptBackward<S>;                                                              \
  template struct ResidualStream<S>;                                                              \
  template const Matrix<S>& moe_gpt_logits(const MoeGptWeights<S>&, const MoeGptConfig&,          \
                                           const Pass<S>&, std::span<const std::uint8_t>,         \
                                           ForwardCache<S>&);                                     \
  template Matrix<S> moe_gpt_logits(const MoeGptWeights<S>&, const MoeGptConfig&, const Pass<S>&, \
                                    std::span<const std::uint8_t>);                               \
  template std::vector<RoutingBatch> route_bytes(const MoeGptWeights<S>&, const MoeGptConfig&,    \
                                                 const Pass<S>&, std::span<const std::uint8_t>)

MOESIM_INSTANTIATE(float);
MOESIM_INSTANTIATE(double);
#undef MOESIM_INSTANTIATE

}  // namespace moesim::model
