// SPDX-License-Identifier: Apache-2.0
#include "model/moe_gpt_config.h"

#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "base/error.h"

namespace moesim::model {
namespace {

// Far above what a processor can train; products of two sizes stay within 64 bits.
constexpr double kMaxWidth = 65536;
constexpr double kMaxLayers = 4096;
// Dropout scales what it keeps by 1 / (1 - p).
constexpr double kMaxDropout = 0.99;

struct Size {
  const char* key;
  int MoeGptConfig::*value;
  double least;
  double most;
  const char* docs;
};

constexpr Size kSizes[] = {
    {"num_hidden_layers", &MoeGptConfig::num_hidden_layers, 1, kMaxLayers, "Transformer blocks."},
    {"hidden_size", &MoeGptConfig::hidden_size, 1, kMaxWidth, "Width of a token's state."},
    {"num_attention_heads", &MoeGptConfig::num_attention_heads, 1, kMaxWidth,
     "Query heads; divide hidden_size."},
    {"num_key_value_heads", &MoeGptConfig::num_key_value_heads, 0, kMaxWidth,
     "Key-value heads; divide the query heads. 0 = as many as those."},
    {"seq_length", &MoeGptConfig::seq_length, 1, 1 << 20,
     "Positions: the most bytes that attention sees at once."},
    {"first_k_dense_replace", &MoeGptConfig::first_k_dense_replace, 0, kMaxLayers,
     "The first k blocks are dense."},
    {"moe_layer_freq", &MoeGptConfig::moe_layer_freq, 1, kMaxLayers,
     "Of the blocks after those, the first of every n is MoE."},
    {"intermediate_size", &MoeGptConfig::intermediate_size, 1, kMaxWidth,
     "Inner width of a dense feed-forward part."},
    {"moe_intermediate_size", &MoeGptConfig::moe_intermediate_size, 1, kMaxWidth,
     "Inner width of an expert."},
    {"n_shared_experts", &MoeGptConfig::n_shared_experts, 0, 1024,
     "One expert that every token passes, of so many times moe_intermediate_size; 0 = none."},
};

struct Dropout {
  const char* key;
  double MoeGptConfig::*value;
  const char* alias;  // GPT-2's name, or ""
  const char* docs;
};

constexpr Dropout kDropouts[] = {
    {"embedding_dropout", &MoeGptConfig::embedding_dropout, "embd_pdrop",
     "Share of the embeddings' values that training drops."},
    {"attention_dropout", &MoeGptConfig::attention_dropout, "attn_pdrop",
     "The same of the attention's probabilities."},
    {"residual_dropout", &MoeGptConfig::residual_dropout, "resid_pdrop",
     "The same of what a block adds to the residual stream."},
    {"expert_dropout", &MoeGptConfig::expert_dropout, "", "The same of an expert's activations."},
};

base::Field& size_field(base::FieldTable& table, MoeGptConfig& model, std::string_view key) {
  for (const Size& size : kSizes) {
    if (size.key == key) {
      return table.field(size.key, model.*size.value, size.docs)
          .at_least(size.least)
          .at_most(size.most);
    }
  }
  base::fail_check("the key is in kSizes", __FILE__, __LINE__, std::string(key));
}

void describe_layers(base::FieldTable& table, MoeGptConfig& model) {
  size_field(table, model, "num_hidden_layers").alias("num_layers");
  size_field(table, model, "hidden_size");
  size_field(table, model, "num_attention_heads");
  size_field(table, model, "num_key_value_heads");
  size_field(table, model, "seq_length");
  table.field("attention_bias", model.attention_bias, "The attention's projections have biases.");
  table.field("tie_word_embeddings", model.tie_word_embeddings,
              "The output head is the token embedding.");
}

void describe_feed_forward(base::FieldTable& table, MoeGptConfig& model) {
  const std::string condition = "use_moe is true";
  const bool any_dense =
      !model.use_moe || model.first_k_dense_replace > 0 || model.moe_layer_freq > 1;
  table.field("use_moe", model.use_moe, "Feed-forward parts are MoE layers; false: all are dense.");
  size_field(table, model, "first_k_dense_replace").used_when(model.use_moe, condition);
  size_field(table, model, "moe_layer_freq").used_when(model.use_moe, condition);
  size_field(table, model, "intermediate_size").used_when(any_dense, "some blocks are dense");
  size_field(table, model, "moe_intermediate_size").used_when(model.use_moe, condition);
  table
      .field("expert_intermediate_sizes", model.expert_intermediate_sizes,
             "Inner width of each routed expert, where they differ; empty = all alike.")
      .at_least(1)
      .at_most(kMaxWidth)
      .used_when(model.use_moe, condition);
  size_field(table, model, "n_shared_experts").used_when(model.use_moe, condition);
  table.field("hidden_act", model.hidden_act,
              "Activation of experts and dense parts; swish is silu.");
  table.field("gated", model.gated,
              "act(x Wg) * (x Wu), as SwiGLU and GeGLU have it; false: act(x Wu).");
  table.field("mlp_bias", model.mlp_bias, "Experts and dense parts have biases.");
}

void validate_bounds(const MoeGptConfig& model, const std::string& where) {
  for (const Size& size : kSizes) {
    if (model.*size.value >= size.least && model.*size.value <= size.most) continue;
    throw base::Error(where + "/" + size.key,
                      std::string(size.key) + " is " + std::to_string(model.*size.value),
                      "use " + base::to_text(base::json_of(size.least)) + " to " +
                          base::to_text(base::json_of(size.most)));
  }
  for (const Dropout& dropout : kDropouts) {
    if (model.*dropout.value >= 0 && model.*dropout.value <= kMaxDropout) continue;
    throw base::Error(
        where + "/" + dropout.key,
        "a share of " + base::to_text(base::json_of(model.*dropout.value)) + " cannot be dropped",
        "use 0 to " + base::to_text(base::json_of(kMaxDropout)));
  }
}

void validate_attention(const MoeGptConfig& model, const std::string& where) {
  if (model.hidden_size % model.num_attention_heads != 0) {
    throw base::Error(where + "/num_attention_heads",
                      std::to_string(model.num_attention_heads) +
                          " heads do not divide hidden_size " + std::to_string(model.hidden_size),
                      "choose a divisor of hidden_size");
  }
  if (model.num_attention_heads % model.key_value_heads() != 0) {
    throw base::Error(where + "/num_key_value_heads",
                      std::to_string(model.num_key_value_heads) +
                          " key-value heads do not divide " +
                          std::to_string(model.num_attention_heads) + " heads",
                      "choose a divisor of num_attention_heads");
  }
}

void validate_experts(const MoeGptConfig& model, const std::string& where) {
  if (!model.use_moe) return;
  validate(model.router, where + "/router");
  if (!model.is_moe_layer(model.first_k_dense_replace) ||
      model.first_k_dense_replace >= model.num_hidden_layers) {
    throw base::Error(where + "/first_k_dense_replace",
                      "all " + std::to_string(model.num_hidden_layers) + " blocks are dense",
                      "lower it, or set use_moe to false");
  }
  const std::vector<int>& sizes = model.expert_intermediate_sizes;
  if (sizes.empty()) return;
  if (static_cast<int>(sizes.size()) != model.router.num_experts) {
    throw base::Error(where + "/expert_intermediate_sizes",
                      std::to_string(sizes.size()) + " sizes for " +
                          std::to_string(model.router.num_experts) + " experts",
                      "give one for each expert, or none");
  }
  if (*std::min_element(sizes.begin(), sizes.end()) < 1) {
    throw base::Error(where + "/expert_intermediate_sizes", "an expert has no hidden unit",
                      "use sizes of at least 1");
  }
}

}  // namespace

base::EnumNames<Activation> names_of(Activation) {
  return {{Activation::gelu, "gelu"},  {Activation::gelu_tanh, "gelu_tanh"},
          {Activation::relu, "relu"},  {Activation::silu, "silu"},
          {Activation::silu, "swish"}, {Activation::tanh, "tanh"}};
}

std::vector<int> MoeGptConfig::moe_layers() const {
  std::vector<int> layers;
  for (int layer = 0; layer < num_hidden_layers; ++layer) {
    if (is_moe_layer(layer)) layers.push_back(layer);
  }
  return layers;
}

std::vector<int> MoeGptConfig::expert_sizes() const {
  if (!expert_intermediate_sizes.empty()) return expert_intermediate_sizes;
  return std::vector<int>(router.num_experts, moe_intermediate_size);
}

void describe(base::FieldTable& table, MoeGptConfig& model) {
  table.title("moe_gpt", "A byte-level MoE-GPT that is really computed.");
  table.field("preset", model.preset,
              "Name of a size in model/sizes (tiny, small, medium) that the other keys change.");
  describe_layers(table, model);
  describe_feed_forward(table, model);
  for (const Dropout& dropout : kDropouts) {
    base::Field& field = table.field(dropout.key, model.*dropout.value, dropout.docs);
    field.at_least(0).at_most(kMaxDropout);
    if (*dropout.alias != '\0') field.alias(dropout.alias);
  }
  table.field("router", model.router, "How tokens choose experts.")
      .used_when(model.use_moe, "use_moe is true");
}

void validate(const MoeGptConfig& model, const std::string& where) {
  validate_bounds(model, where);
  validate_attention(model, where);
  validate_experts(model, where);
}

}  // namespace moesim::model
