// SPDX-License-Identifier: Apache-2.0
// MoE-GPT over bytes: embedding, pre-norm transformer blocks with a MoE layer each, final norm, and
// a head that guesses the next byte. Free functions over plain weights; a gradient is a value of
// the same type as the weights.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/rng.h"
#include "model/layers/embedding.h"
#include "model/layers/language_head.h"
#include "model/layers/transformer_block.h"
#include "model/matrix.h"

namespace moesim::model {

struct MoeGptShape {
  int num_layers = 1;
  int hidden_size = 1;
  int moe_intermediate_size = 1;
  bool tied_head = false;  // the head's matrix is the token embedding's
  BlockShape block;
};

template <class S>
struct MoeGptWeights {
  EmbeddingWeights<S> embedding;
  std::vector<BlockWeights<S>> blocks;
  LayerNormWeights<S> final_norm;
  Matrix<S> head;  // [256, hidden]; empty when tied
};

template <class S>
struct MoeGptCache {
  std::vector<BlockCache<S>> blocks;
  LayerNormCache<S> final_norm;
  LanguageHeadCache<S> head;
};

struct MoeGptLoss {
  double cross_entropy = 0;  // mean, nats per byte
  double balance = 0;        // sum over the layers
};

template <class S>
struct NamedMatrix {
  std::string name;  // e.g. "blocks.1.moe.experts.gate"
  Matrix<S>* matrix = nullptr;
};

// Every parameter, in a fixed order; the same order for a gradient. An untied head is included.
template <class S>
std::vector<NamedMatrix<S>> parameters(MoeGptWeights<S>& weights);

// Random weights: uniform with variance 1 / fan-in; the two projections that end in the residual
// stream also over 2 x num_layers (GPT-2's rule). The gate is a fan-in matrix like any other, so
// that its logits, of normalised rows, have variance 1 and its choices differ from the start.
template <class S>
MoeGptWeights<S> random_moe_gpt(const MoeGptShape& shape, base::Rng& rng);

// A zero gradient, shaped as `weights`.
template <class S>
MoeGptWeights<S> zero_gradient(const MoeGptWeights<S>& weights);

// The loss on `inputs`, [tokens], whose next bytes are `targets`, [tokens]. The tokens are windows
// of seq_length, one after another. Capacity is over all tokens of the call.
template <class S>
MoeGptLoss moe_gpt_loss(const MoeGptWeights<S>& weights, const MoeGptShape& shape,
                        std::span<const std::uint8_t> inputs, std::span<const std::uint8_t> targets,
                        MoeGptCache<S>& cache);

// The gradient of `loss_scale` x (cross entropy + balance) of the loss just computed with `cache`.
// `gradient` is written, not added to.
template <class S>
struct MoeGptBackward {
  const MoeGptWeights<S>& weights;
  const MoeGptShape& shape;
  double loss_scale = 1;

  void run(const MoeGptCache<S>& cache, std::span<const std::uint8_t> inputs,
           std::span<const std::uint8_t> targets, MoeGptWeights<S>& gradient) const;
};

// The gate's decisions on `inputs`, one batch per layer. No head, and no balancing loss.
template <class S>
std::vector<RoutingBatch> route_bytes(const MoeGptWeights<S>& weights, const MoeGptShape& shape,
                                      std::span<const std::uint8_t> inputs);

}  // namespace moesim::model
