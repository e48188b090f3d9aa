// SPDX-License-Identifier: Apache-2.0
// Parameters of a model by part, from its sizes alone. Norms and biases are left out: they are
// below 0.1 % of any preset (docs/models.md, "Parameters").
#pragma once

#include <cstdint>

#include "model/spec/model_spec.h"

namespace moesim::model {

struct ParameterCount {
  std::int64_t embedding = 0;       // token embedding and output head (once when tied)
  std::int64_t attention = 0;       // all layers
  std::int64_t router = 0;          // all MoE layers
  std::int64_t routed_experts = 0;  // all MoE layers, all experts
  std::int64_t shared_experts = 0;  // all MoE layers
  std::int64_t dense_ffn = 0;       // all dense layers

  std::int64_t total() const;
  // Those a token passes through: top-k of the routed experts, everything else whole.
  std::int64_t active(const ModelSpec& spec) const;
  // Everything but the routed experts: what every rank of an expert-parallel group replicates.
  std::int64_t replicated() const;
};

// Sizes must be in describe()'s ranges. Throws base::Error (where = "/model") when a part has more
// than 10^18 parameters: no such model exists and their sum would not fit std::int64_t.
ParameterCount count_parameters(const ModelSpec& spec);

// Of one layer's attention. gqa: projections q, k, v, o. mla (arXiv 2405.04434, section 2.1):
// q (or its down- and up-projection), the joint down-projection to kv_lora_rank + qk_rope_head_dim,
// the up-projection to keys and values, o.
std::int64_t attention_parameters(const ModelSpec& spec);
// Of one routed expert: three matrices of hidden_size x moe_intermediate_size when gated, else two.
std::int64_t expert_parameters(const ModelSpec& spec);

}  // namespace moesim::model
