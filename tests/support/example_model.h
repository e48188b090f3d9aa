// SPDX-License-Identifier: Apache-2.0
// A small model of round sizes, so that tests can be worked out by hand.
#pragma once

#include "model/spec/model_spec.h"

namespace moesim::testing {

// Two MoE layers of 8 gated experts (512 wide), top-2; hidden 1024, 8 heads of 128 on 2 key-value
// heads; vocabulary 1000, untied.
inline model::ModelSpec example_model() {
  model::ModelSpec spec;
  spec.name = "example";
  spec.hidden_size = 1024;
  spec.num_hidden_layers = 2;
  spec.num_attention_heads = 8;
  spec.num_key_value_heads = 2;
  spec.head_dim = 128;
  spec.num_experts = 8;
  spec.num_experts_per_tok = 2;
  spec.moe_intermediate_size = 512;
  spec.vocab_size = 1000;
  return spec;
}

}  // namespace moesim::testing
