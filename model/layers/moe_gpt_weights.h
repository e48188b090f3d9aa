// SPDX-License-Identifier: Apache-2.0
// The weights of a MoE-GPT: a plain value, whose gradient is a value of the same type. Everything
// is templated on float (in use) and double (where a test checks gradients).
#pragma once

#include <string>
#include <vector>

#include "base/rng.h"
#include "model/layers/embedding.h"
#include "model/layers/transformer_block.h"
#include "model/matrix.h"
#include "model/moe_gpt_config.h"

namespace moesim::model {

template <class S>
struct MoeGptWeights {
  EmbeddingWeights<S> embedding;
  std::vector<BlockWeights<S>> blocks;
  LayerNormWeights<S> final_norm;
  Matrix<S> head;  // [256, hidden]; empty when tied to the token embedding
};

// [256, hidden]: the head's matrix, or the token embedding it is tied to.
template <class S>
const Matrix<S>& head_of(const MoeGptWeights<S>& weights) {
  return weights.head.size() == 0 ? weights.embedding.token : weights.head;
}

// What an optimizer may treat apart. expert: the routed ones; feed_forward: dense networks and
// shared experts.
enum class ParameterGroup { embedding, attention, norm, router, expert, feed_forward, head };

template <class S>
struct Parameter {
  std::string name;  // e.g. "blocks.1.moe.experts.gate"
  ParameterGroup group = ParameterGroup::embedding;
  bool decay = false;   // weight decay applies: matrices, not norms and biases
  bool trained = true;  // by gradient; false: the selection bias
  int layer = -1;       // of the block; -1 outside the blocks
  // Of the routed experts: its rows belong to them in order (ExpertShape::first, or one row an
  // expert in down_bias; a [1, units] bias: its columns).
  bool per_expert = false;
  Matrix<S>* matrix = nullptr;
};

// Every non-empty parameter, in a fixed order; the same order for a gradient.
template <class S>
std::vector<Parameter<S>> parameters(MoeGptWeights<S>& weights);

// Random weights: uniform with variance 1 / fan-in; the projections that end in the residual stream
// also over 2 x num_hidden_layers (GPT-2's rule). Biases are zero, gains one.
template <class S>
MoeGptWeights<S> random_moe_gpt(const MoeGptConfig& config, base::Rng& rng);

// The part of it that is one stack of experts.
template <class S>
ExpertWeights<S> random_experts(const MoeGptConfig& config, const ExpertShape& shape,
                                base::Rng& rng);

// A zero gradient, shaped as `weights`.
template <class S>
MoeGptWeights<S> zero_gradient(const MoeGptWeights<S>& weights);

}  // namespace moesim::model
