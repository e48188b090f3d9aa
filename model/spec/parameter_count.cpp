// SPDX-License-Identifier: Apache-2.0
#include "model/spec/parameter_count.h"

#include <initializer_list>

#include "base/error.h"

namespace moesim::model {
namespace {

// Six parts of at most this many sum to less than 2^63.
constexpr double kMaxPart = 1e18;

std::int64_t product(std::initializer_list<std::int64_t> factors) {
  double magnitude = 1;
  for (const std::int64_t factor : factors) magnitude *= static_cast<double>(factor);
  if (magnitude > kMaxPart) {
    throw base::Error("/model", "one part of the model has more than 10^18 parameters",
                      "lower the widths, the number of layers or the number of experts");
  }
  std::int64_t result = 1;
  for (const std::int64_t factor : factors) result *= factor;
  return result;
}

std::int64_t grouped_query_attention(const ModelSpec& spec) {
  const std::int64_t queries_and_output =
      product({2, spec.hidden_size, spec.num_attention_heads, spec.head_dim});
  const std::int64_t keys_and_values =
      product({2, spec.hidden_size, spec.num_key_value_heads, spec.head_dim});
  return queries_and_output + keys_and_values;
}

std::int64_t latent_attention(const ModelSpec& spec) {
  const LatentAttention& latent = spec.latent_attention;
  const std::int64_t hidden = spec.hidden_size;
  const std::int64_t heads = spec.num_attention_heads;
  const std::int64_t query_width =
      heads * (std::int64_t{latent.qk_nope_head_dim} + latent.qk_rope_head_dim);
  const std::int64_t queries = latent.q_lora_rank == 0
                                   ? product({hidden, query_width})
                                   : product({latent.q_lora_rank, hidden + query_width});
  const std::int64_t down =
      product({hidden, std::int64_t{latent.kv_lora_rank} + latent.qk_rope_head_dim});
  const std::int64_t up = product(
      {latent.kv_lora_rank, heads, std::int64_t{latent.qk_nope_head_dim} + latent.v_head_dim});
  const std::int64_t output = product({heads, latent.v_head_dim, hidden});
  return queries + down + up + output;
}

int expert_matrices(const ModelSpec& spec) { return spec.gated_experts ? 3 : 2; }

}  // namespace

std::int64_t ParameterCount::total() const { return replicated() + routed_experts; }

std::int64_t ParameterCount::active(const ModelSpec& spec) const {
  // Whole experts: the division is exact.
  return replicated() + routed_experts / spec.num_experts * spec.num_experts_per_tok;
}

std::int64_t ParameterCount::replicated() const {
  return embedding + attention + router + shared_experts + dense_ffn;
}

std::int64_t attention_parameters(const ModelSpec& spec) {
  return spec.attention == AttentionKind::mla ? latent_attention(spec)
                                              : grouped_query_attention(spec);
}

std::int64_t expert_parameters(const ModelSpec& spec) {
  return product({expert_matrices(spec), spec.hidden_size, spec.moe_intermediate_size});
}

ParameterCount count_parameters(const ModelSpec& spec) {
  const std::int64_t moe_layers = spec.num_moe_layers();
  const std::int64_t dense_layers = spec.num_hidden_layers - moe_layers;
  ParameterCount count;
  count.embedding = product({spec.tie_word_embeddings ? 1 : 2, spec.vocab_size, spec.hidden_size});
  count.attention = product({spec.num_hidden_layers, attention_parameters(spec)});
  count.router = product({moe_layers, spec.hidden_size, spec.num_experts});
  count.routed_experts = product({moe_layers, spec.num_experts, expert_parameters(spec)});
  count.shared_experts = product(
      {moe_layers, expert_matrices(spec), spec.hidden_size, spec.shared_expert_intermediate_size});
  count.dense_ffn =
      product({dense_layers, spec.dense_ffn_matrices, spec.hidden_size, spec.intermediate_size});
  return count;
}

}  // namespace moesim::model
