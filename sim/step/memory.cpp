// SPDX-License-Identifier: Apache-2.0
#include "sim/step/memory.h"

#include "model/spec/parameter_count.h"

namespace moesim::sim {
namespace {

using base::Bytes;

constexpr double kHalf = 2;    // bf16
constexpr double kSingle = 4;  // fp32

// Values that attention keeps per token: the norms' inputs and outputs, queries, keys, values and
// the attention output (flash attention keeps no score matrix, Dao 2022, arXiv 2205.14135).
double attention_values(const model::ModelSpec& spec) {
  const double heads = spec.num_attention_heads;
  const double norms = 4.0 * spec.hidden_size;
  if (spec.attention == model::AttentionKind::gqa) {
    return norms + 2.0 * heads * spec.head_dim + 2.0 * spec.num_key_value_heads * spec.head_dim;
  }
  const model::LatentAttention& latent = spec.latent_attention;
  const double query_key = latent.qk_nope_head_dim + latent.qk_rope_head_dim;
  return norms + latent.q_lora_rank + latent.kv_lora_rank + latent.qk_rope_head_dim +
         heads * (2.0 * query_key + 2.0 * latent.v_head_dim);
}

// Values that a feed-forward network keeps per row: its input, the first matrix's output, the
// activation and its own output.
double ffn_values(double hidden, double intermediate, bool gated) {
  return 2.0 * hidden + (gated ? 3.0 : 2.0) * intermediate;
}

}  // namespace

RankMemory rank_memory(const model::ModelSpec& spec, const RankWork& work) {
  const model::ParameterCount count = model::count_parameters(spec);
  const double moe_layers = spec.num_moe_layers();
  const double dense_layers = spec.num_hidden_layers - moe_layers;
  const double hidden = spec.hidden_size;
  const double parameters =
      static_cast<double>(count.replicated()) +
      work.experts_held * moe_layers * static_cast<double>(model::expert_parameters(spec));

  double values = work.tokens * spec.num_hidden_layers * attention_values(spec);
  values += work.tokens * dense_layers *
            ffn_values(hidden, spec.intermediate_size, spec.dense_ffn_matrices == 3);
  if (spec.shared_expert_intermediate_size > 0) {
    values += work.tokens * moe_layers *
              ffn_values(hidden, spec.shared_expert_intermediate_size, spec.gated_experts);
  }
  values += work.rows_received * ffn_values(hidden, spec.moe_intermediate_size, spec.gated_experts);
  values += work.rows_sent * hidden;  // the experts' outputs, for the gate's gradient
  const double scores = work.tokens * (moe_layers * spec.num_experts + spec.vocab_size);

  RankMemory memory;
  memory.weights = Bytes(kHalf * parameters);
  memory.gradients = Bytes(kSingle * parameters);
  memory.optimizer = Bytes(3.0 * kSingle * parameters);
  memory.activations = Bytes(kHalf * values + kSingle * scores);
  return memory;
}

}  // namespace moesim::sim
