// SPDX-License-Identifier: Apache-2.0
// MoE-GPT over bytes: embedding, pre-norm transformer blocks, final norm, and a head that guesses
// the next byte. Free functions over plain weights.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/layers/language_head.h"
#include "model/layers/moe_gpt_weights.h"

namespace moesim::model {

// Tokens of a call: sequences of config.seq_length bytes, one after another; the last may be
// shorter. Capacity and balancing losses are over all tokens of the call.
struct TokenBatch {
  std::span<const std::uint8_t> inputs;   // [tokens]
  std::span<const std::uint8_t> targets;  // [tokens] the next bytes; empty where no loss is asked
};

struct MoeGptLoss {
  double cross_entropy = 0;  // mean, nats per byte
  double balance = 0;        // sum over layers and terms, coefficients included
};

template <class S>
struct MoeGptCache {
  // Set by the caller: keep a block's input only, and compute its cache again in the backward pass
  // (arXiv 1604.06174). The same bits, for a third more work. Also the way to a forward pass that
  // has no backward pass and needs little memory.
  bool recompute_blocks = false;
  std::vector<BlockCache<S>> blocks;  // [layers]; when recomputing, only the decision and the
                                      // losses of a MoE layer's moe.router
  LayerNormCache<S> final_norm;
  LanguageHeadCache<S> head;

  std::vector<Matrix<S>> block_inputs;  // [layers] of [tokens, hidden], when recomputing
  BlockCache<S> working;                // of the block at hand, when recomputing
  Matrix<S> stream;  // [tokens, hidden]: the residual stream, and its gradient on the way back
  Matrix<S> d_normalised;  // [tokens, hidden]
};

// A mean loss that is not a number is returned, not thrown.
template <class S>
MoeGptLoss moe_gpt_loss(const MoeGptWeights<S>& weights, const MoeGptConfig& config,
                        const Pass<S>& pass, const TokenBatch& batch, MoeGptCache<S>& cache);

// The gradient of `loss_scale` x (cross entropy + balance) of the loss just computed with `cache`,
// the same pass and the same batch. Writes or adds to (pass.add_gradients) `gradient`, which is
// shaped as `weights` (zero_gradient). Uses the cache up: one backward pass for each forward pass;
// the router's part of the cache stays readable.
template <class S>
struct MoeGptBackward {
  const MoeGptWeights<S>& weights;
  const MoeGptConfig& config;
  const Pass<S>& pass;
  const TokenBatch& batch;
  double loss_scale = 1;

  void run(MoeGptCache<S>& cache, MoeGptWeights<S>& gradient) const;
};

// What passes without a way back share: one block's cache, and their result.
template <class S>
struct ForwardCache {
  Matrix<S> stream;  // [tokens, hidden], the residual stream
  BlockCache<S> block;
  Matrix<S> logits;  // [tokens, 256]
};

// The residual stream after the embedding and the first `layers` blocks: cache.stream.
template <class S>
struct ResidualStream {
  const MoeGptWeights<S>& weights;
  const MoeGptConfig& config;
  const Pass<S>& pass;

  Matrix<S>& run(std::span<const std::uint8_t> inputs, int layers, ForwardCache<S>& cache) const;
};

// Logits of the next byte for every token, [tokens, 256]: cache.logits. A cache that is used again
// spares the system the pages of a new one.
template <class S>
const Matrix<S>& moe_gpt_logits(const MoeGptWeights<S>& weights, const MoeGptConfig& config,
                                const Pass<S>& pass, std::span<const std::uint8_t> inputs,
                                ForwardCache<S>& cache);

// The same, once.
template <class S>
Matrix<S> moe_gpt_logits(const MoeGptWeights<S>& weights, const MoeGptConfig& config,
                         const Pass<S>& pass, std::span<const std::uint8_t> inputs);

// The gate's decisions on `inputs`, one batch per MoE layer. No head, and no balancing loss.
template <class S>
std::vector<RoutingBatch> route_bytes(const MoeGptWeights<S>& weights, const MoeGptConfig& config,
                                      const Pass<S>& pass, std::span<const std::uint8_t> inputs);

}  // namespace moesim::model
