// SPDX-License-Identifier: Apache-2.0
// A MoE-GPT small enough to differentiate by differences, and bytes for it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/rng.h"
#include "model/layers/moe_gpt.h"

namespace moesim::testing {

// Two layers; tokens in sequences of 5, so that of 13 the last is short.
inline model::MoeGptConfig small_model() {
  model::MoeGptConfig config;
  config.num_hidden_layers = 2;
  config.hidden_size = 8;
  config.num_attention_heads = 2;
  config.seq_length = 5;
  config.intermediate_size = 6;
  config.moe_intermediate_size = 3;
  config.router.num_experts = 5;
  config.router.top_k = 2;
  config.router.balance.aux_loss_coef = 0.05;
  return config;
}

struct Bytes {
  std::vector<std::uint8_t> inputs;
  std::vector<std::uint8_t> targets;

  model::TokenBatch batch() const { return {inputs, targets}; }
};

inline Bytes random_bytes(int tokens, std::uint64_t seed = 5) {
  base::Rng rng(seed, "bytes");
  Bytes bytes;
  for (int t = 0; t < tokens; ++t) {
    bytes.inputs.push_back(static_cast<std::uint8_t>(rng.below(256)));
    bytes.targets.push_back(static_cast<std::uint8_t>(rng.below(256)));
  }
  return bytes;
}

// Random weights whose biases and gains, too, are not what they start as.
template <class S>
model::MoeGptWeights<S> shaken_weights(const model::MoeGptConfig& config, std::uint64_t seed) {
  base::Rng rng(seed, "weights");
  model::MoeGptWeights<S> weights = model::random_moe_gpt<S>(config, rng);
  for (const model::Parameter<S>& parameter : model::parameters(weights)) {
    for (model::Index i = 0; i < parameter.matrix->size(); ++i) {
      parameter.matrix->data()[i] += static_cast<S>(0.1 * rng.normal());
    }
  }
  return weights;
}

}  // namespace moesim::testing
