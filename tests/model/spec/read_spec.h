// SPDX-License-Identifier: Apache-2.0
// What the tests of this folder share: a model section's JSON text as a ModelSpec.
#pragma once

#include <string>

#include "base/json_reader.h"
#include "model/spec/model_spec.h"

namespace moesim::model {

inline ModelSpec read_spec(const base::JsonValue& section) {
  ModelSpec spec;
  base::ReadReport report;
  base::read_json(resolve_model_preset(section), spec, report);
  return spec;
}

inline ModelSpec read_spec(const std::string& text) {
  return read_spec(base::parse_json(text, "experiment.json"));
}

inline ModelSpec read_preset(const std::string& name) {
  return read_spec("{\"preset\": \"" + name + "\"}");
}

// Three layers, the first of them dense; two query heads on one key-value head.
inline ModelSpec small_model() {
  ModelSpec spec;
  spec.hidden_size = 8;
  spec.num_hidden_layers = 3;
  spec.num_attention_heads = 2;
  spec.num_key_value_heads = 1;
  spec.head_dim = 4;
  spec.num_experts = 4;
  spec.num_experts_per_tok = 2;
  spec.moe_intermediate_size = 6;
  spec.shared_expert_intermediate_size = 5;
  spec.intermediate_size = 10;
  spec.first_k_dense_replace = 1;
  spec.vocab_size = 100;
  return spec;
}

}  // namespace moesim::model
