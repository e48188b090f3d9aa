// SPDX-License-Identifier: Apache-2.0
// The shape of a MoE-GPT, as a file names it: GPT-2's architecture with pre-norm blocks whose
// feed-forward parts are MoE layers, over bytes. Keys are those of Hugging Face configurations.
#pragma once

#include <string>
#include <vector>

#include "base/json_reader.h"
#include "model/layers/activation_function.h"
#include "model/router/router_config.h"

namespace moesim::model {

constexpr int kByteValues = 256;

base::EnumNames<Activation> names_of(Activation);  // "swish" is another name of silu

struct MoeGptConfig {
  std::string preset;  // the size preset (model/sizes) that a file begins with; "": none
  int num_hidden_layers = 2;
  int hidden_size = 64;
  int num_attention_heads = 4;
  int num_key_value_heads = 0;  // 0: as many as num_attention_heads; else divides them
  int seq_length = 128;         // positions; the window that attention sees
  bool attention_bias = true;
  bool tie_word_embeddings = true;

  bool use_moe = true;            // false: every block is dense
  int first_k_dense_replace = 0;  // this many leading blocks are dense
  int moe_layer_freq = 1;         // of the others, every moe_layer_freq-th is MoE (the first is)
  int intermediate_size = 256;    // dense feed-forward
  int moe_intermediate_size = 128;
  std::vector<int> expert_intermediate_sizes;  // [num_experts] where they differ; else empty
  int n_shared_experts = 0;                    // one always-on expert of so many times the size
  Activation hidden_act = Activation::silu;
  bool gated = true;  // act(x Wg) * (x Wu), SwiGLU or GeGLU (arXiv 2002.05202); false: act(x Wu)
  bool mlp_bias = false;

  double embedding_dropout = 0;
  double attention_dropout = 0;  // of the attention probabilities
  double residual_dropout = 0;   // of what a block adds to the residual stream
  double expert_dropout = 0;     // of an expert's activations
  RouterConfig router;

  int key_value_heads() const {
    return num_key_value_heads == 0 ? num_attention_heads : num_key_value_heads;
  }
  int head_size() const { return hidden_size / num_attention_heads; }
  bool is_moe_layer(int layer) const {
    return use_moe && layer >= first_k_dense_replace &&
           (layer - first_k_dense_replace) % moe_layer_freq == 0;
  }
  // The numbers of the MoE blocks among all, from 0.
  std::vector<int> moe_layers() const;
  int num_moe_layers() const { return static_cast<int>(moe_layers().size()); }
  // Hidden size of each expert, [num_experts].
  std::vector<int> expert_sizes() const;

  bool operator==(const MoeGptConfig&) const = default;
};

void describe(base::FieldTable& table, MoeGptConfig& model);

// Throws base::Error, its place below the JSON pointer `where`, where sizes do not fit together.
void validate(const MoeGptConfig& model, const std::string& where);

}  // namespace moesim::model
