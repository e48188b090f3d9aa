// SPDX-License-Identifier: Apache-2.0
// An experiment's document for tests: 16 ranks, 16 experts, synthetic routing; on one line, so that
// columns can be counted.
#pragma once

#include <string>

#include "base/json_value.h"

namespace moesim::experiments {

// `more` are further members, as `, "sweep": {...}`.
inline base::JsonValue small_document(const std::string& more = {}) {
  const std::string text =
      R"({"name": "small", "model": {"hidden_size": 64, "num_hidden_layers": 1,)"
      R"( "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 32, "num_experts": 16,)"
      R"( "num_experts_per_tok": 2, "moe_intermediate_size": 32, "vocab_size": 100},)"
      R"( "training": {"seq_length": 16}, "routing": {"source": "synthetic"},)"
      R"( "cluster": {"preset": "h100_single_switch", "num_nodes": 2})";
  return base::parse_json(text + "\n" + more + "}", "small.json");
}

}  // namespace moesim::experiments
