// SPDX-License-Identifier: Apache-2.0
// The router and the experts of one layer of a published model, from the safetensors shards in
// which the Hugging Face `transformers` library keeps it:
//   Mixtral                 model.layers.N.block_sparse_moe.gate.weight, .experts.E.w1/w3/w2.weight
//   Qwen2/3-MoE, OLMoE,     model.layers.N.mlp.gate.weight,
//   DeepSeek-V2/V3          .experts.E.gate_proj/up_proj/down_proj.weight;
//                           DeepSeek's .gate.e_score_correction_bias and .shared_experts.*
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "model/layers/expert.h"
#include "model/router/router.h"

namespace moesim::model {

struct HfMoeLayer {
  RouterWeights<float> router;  // gate; selection_bias where the model has one
  ExpertWeights<float> experts;
  std::vector<int> expert_sizes;  // hidden units of each expert
  ExpertWeights<float> shared;  // DeepSeek's, its shared experts as one; empty where there are none
  // Qwen2-MoE scales its shared expert by a gate of its own, which no layer here has; it is left
  // out.
  bool has_gated_shared_expert = false;
};

// F32, BF16 and F16 are read exactly. A layer may lie in several shards. Throws base::Error at file
// and tensor where a shard is damaged, no shard holds the layer's gate, an expert is missing or one
// more than the gate has rows, or shapes or number formats do not fit.
HfMoeLayer import_hf_layer(std::span<const std::filesystem::path> shards, int layer);

}  // namespace moesim::model
