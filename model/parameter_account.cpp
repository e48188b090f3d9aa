// SPDX-License-Identifier: Apache-2.0
#include "model/parameter_account.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "model/spec/parameter_count.h"

namespace moesim::model {
namespace {

std::int64_t shared_units(const MoeGptConfig& config) {
  return std::int64_t{config.n_shared_experts} * config.moe_intermediate_size;
}

// The matrices' sizes as those of published models are given. Which layers are MoE does not matter
// to a count, so the dense ones come first.
ModelSpec spec_of(const MoeGptConfig& config) {
  ModelSpec spec;
  spec.hidden_size = config.hidden_size;
  spec.num_hidden_layers = config.num_hidden_layers;
  spec.num_attention_heads = config.num_attention_heads;
  spec.num_key_value_heads = config.key_value_heads();
  spec.head_dim = config.head_size();
  spec.num_experts = config.router.num_experts;
  spec.num_experts_per_tok = config.router.top_k;
  spec.moe_intermediate_size = config.moe_intermediate_size;
  spec.shared_expert_intermediate_size = static_cast<int>(shared_units(config));
  spec.intermediate_size = config.intermediate_size;
  spec.first_k_dense_replace = config.num_hidden_layers - config.num_moe_layers();
  spec.gated_experts = config.gated;
  spec.dense_ffn_matrices = config.gated ? 3 : 2;
  spec.vocab_size = kByteValues;
  spec.tie_word_embeddings = config.tie_word_embeddings;
  return spec;
}

// Biases of one feed-forward network of `units`.
std::int64_t ffn_biases(const MoeGptConfig& config, std::int64_t units) {
  return config.mlp_bias ? (config.gated ? 2 : 1) * units + config.hidden_size : 0;
}

std::int64_t attention_biases(const MoeGptConfig& config) {
  if (!config.attention_bias) return 0;
  const std::int64_t key_values = std::int64_t{2} * config.key_value_heads() * config.head_size();
  return config.hidden_size + key_values + config.hidden_size;
}

// Of one layer's router, beside the gate.
std::int64_t router_extras(const MoeGptConfig& config) {
  const RouterConfig& router = config.router;
  const std::int64_t hidden = config.hidden_size;
  std::int64_t extras = 0;
  if (router.type == RouterType::noisy_top_k && router.noise_scale == NoiseScale::learned) {
    extras += router.num_experts * hidden;
  }
  if (router.type == RouterType::two_level) extras += router.n_group * hidden;
  if (router.balance.bias_update_rate > 0) extras += router.num_experts;
  return extras;
}

std::int64_t one_layers_experts(const MoeGptConfig& config, ModelSpec spec) {
  std::int64_t sum = 0;
  for (const int units : config.expert_sizes()) {
    spec.moe_intermediate_size = units;
    sum += expert_parameters(spec) + ffn_biases(config, units);
  }
  return sum;
}

}  // namespace

ParameterAccount account_parameters(const MoeGptConfig& config) {
  const ModelSpec spec = spec_of(config);
  const ParameterCount matrices = count_parameters(spec);
  const std::int64_t hidden = config.hidden_size;
  const std::int64_t layers = config.num_hidden_layers;
  const std::int64_t moe_layers = config.num_moe_layers();
  const std::int64_t dense_layers = layers - moe_layers;
  ParameterAccount account;
  account.embedding = matrices.embedding + config.seq_length * hidden;
  account.attention = matrices.attention + layers * attention_biases(config);
  account.norms = (2 * layers + 1) * 2 * hidden;
  account.dense_ffn =
      matrices.dense_ffn + dense_layers * ffn_biases(config, config.intermediate_size);
  if (moe_layers == 0) return account;
  if (has_gate(config.router)) {
    account.router = matrices.router + moe_layers * router_extras(config);
  }
  if (config.n_shared_experts > 0) {
    account.shared_experts =
        matrices.shared_experts + moe_layers * ffn_biases(config, shared_units(config));
  }
  const std::int64_t experts = one_layers_experts(config, spec);
  const double part = static_cast<double>(config.router.top_k) / config.router.num_experts;
  account.routed_experts = moe_layers * experts;
  account.active_experts = moe_layers * std::llround(static_cast<double>(experts) * part);
  return account;
}

namespace {

// Hidden units that a token passes through, over all layers.
double active_units(const MoeGptConfig& config) {
  const std::vector<int> sizes = config.expert_sizes();
  const auto all =
      static_cast<double>(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}));
  const double routed = all * config.router.top_k / static_cast<double>(sizes.size());
  const double of_moe_layer = routed + static_cast<double>(shared_units(config));
  const int moe_layers = config.num_moe_layers();
  return moe_layers * of_moe_layer +
         (config.num_hidden_layers - moe_layers) * static_cast<double>(config.intermediate_size);
}

}  // namespace

double ffn_flops_per_token(const MoeGptConfig& config) {
  const double matrices = config.gated ? 3 : 2;
  return 2 * matrices * config.hidden_size * active_units(config);
}

MoeGptConfig dense_counterpart(const MoeGptConfig& config) {
  MoeGptConfig dense = config;
  dense.use_moe = false;
  const double units = active_units(config) / config.num_hidden_layers;
  dense.intermediate_size = std::max(1, static_cast<int>(std::lround(units)));
  return dense;
}

}  // namespace moesim::model
