// SPDX-License-Identifier: Apache-2.0
// A Mixture-of-Experts transformer's architecture: the sizes from which parameters, FLOPs and bytes
// follow. Names are those of Hugging Face configurations.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/json_reader.h"

namespace moesim::model {

enum class AttentionKind { gqa, mla };
base::EnumNames<AttentionKind> names_of(AttentionKind);

// Sizes of multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1).
struct LatentAttention {
  int q_lora_rank = 0;  // 0: queries are not compressed
  int kv_lora_rank = 0;
  int qk_nope_head_dim = 0;
  int qk_rope_head_dim = 0;
  int v_head_dim = 0;

  bool operator==(const LatentAttention&) const = default;
};

struct ModelSpec {
  std::string preset;
  std::string hf_config;  // a config.json's path; resolve_model_preset consumes it
  std::string name;
  int hidden_size = 0;
  int num_hidden_layers = 0;
  int num_attention_heads = 0;
  int num_key_value_heads = 0;
  int head_dim = 0;
  AttentionKind attention = AttentionKind::gqa;
  LatentAttention latent_attention;  // used when attention is mla
  int num_experts = 0;
  int num_experts_per_tok = 0;
  int moe_intermediate_size = 0;
  int shared_expert_intermediate_size = 0;  // all shared experts together; 0: none
  int intermediate_size = 0;                // dense FFN layers; 0 where there are none
  int first_k_dense_replace = 0;            // the first k layers are dense
  int moe_layer_freq = 1;                   // of the rest, the last of every freq is MoE
  bool gated_experts = true;                // three matrices (SwiGLU) or two
  int dense_ffn_matrices = 3;
  int vocab_size = 0;
  bool tie_word_embeddings = false;
  std::map<std::string, std::string> sources;

  bool operator==(const ModelSpec&) const = default;

  // `layer` counts from 0. False outside [0, num_hidden_layers).
  bool is_moe_layer(int layer) const;
  int num_moe_layers() const;
};

void describe(base::FieldTable& table, LatentAttention& latent);
void describe(base::FieldTable& table, ModelSpec& spec);

// Throws base::Error (where = "/model/<key>") on sizes that contradict each other: top-k above the
// experts, query heads that key-value heads do not divide, no MoE layer, dense layers without an
// intermediate_size, an attention without its sizes, more parameters than can be counted.
void validate(const ModelSpec& spec);

// Replaces {"preset": ...} and {"hf_config": path} (relative to the file that names it, to the
// working directory where a flag does) by the fields they stand for; other members are merged over
// them, under whichever of their aliases they are written. The member `hf_config` goes, `preset`
// stays. An object with neither comes back with its aliases replaced by the keys' own names.
// Throws base::Error for an unknown preset, a config.json that cannot be mapped (hf_config.h), or
// both members at once.
base::JsonValue resolve_model_preset(const base::JsonValue& section);

}  // namespace moesim::model
