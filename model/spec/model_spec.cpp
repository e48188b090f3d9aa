// SPDX-License-Identifier: Apache-2.0
#include "model/spec/model_spec.h"

#include <fmt/format.h>

#include <filesystem>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/data_directory.h"
#include "base/error.h"
#include "model/spec/hf_config.h"
#include "model/spec/parameter_count.h"

namespace moesim::model {
namespace {

// Bounds far above any model that exists; they keep products of two sizes within 64 bits.
constexpr double kMaxWidth = 1e6;  // hidden and intermediate sizes
constexpr double kMaxLayers = 1e4;
constexpr double kMaxCount = 65536;  // experts, heads, head_dim
constexpr double kMaxVocab = 1e8;

// Other names under which users know a key (Megatron-LM, DeepSeek's and Mixtral's configurations).
constexpr std::pair<std::string_view, std::string_view> kAliases[] = {
    {"num_layers", "num_hidden_layers"},        {"n_routed_experts", "num_experts"},
    {"num_local_experts", "num_experts"},       {"top_k", "num_experts_per_tok"},
    {"moe_router_topk", "num_experts_per_tok"}, {"decoder_sparse_step", "moe_layer_freq"},
};

struct SizeDoc {
  const char* key;
  double least;
  double most;
  const char* doc;
};

base::Field& size_field(base::FieldTable& table, int& value, const SizeDoc& size) {
  base::Field& field = table.field(size.key, value, size.doc);
  field.at_least(size.least).at_most(size.most);
  for (const auto& [alias, key] : kAliases) {
    if (key == size.key) field.alias(std::string(alias));
  }
  return field;
}

std::string_view canonical_key(std::string_view key) {
  for (const auto& [alias, canonical] : kAliases) {
    if (alias == key) return canonical;
  }
  return key;
}

// A preset's member and the user's alias of it must meet under one name before they are merged.
// Where an object has both names, both stay: the reader complains.
base::JsonValue with_canonical_keys(base::JsonValue object) {
  for (base::JsonMember& member : object.members) {
    const std::string_view key = canonical_key(member.key);
    if (object.find(key) == nullptr) member.key = std::string(key);
  }
  return object;
}

bool names_something(const base::JsonValue* value) {
  const bool empty = value == nullptr || value->kind == base::JsonValue::Kind::null ||
                     (value->kind == base::JsonValue::Kind::string && value->text.empty());
  return !empty;
}

std::filesystem::path beside_its_file(const base::JsonValue& path) {
  const bool from_file = path.place.origin != nullptr && path.place.line > 0;
  if (!from_file) return path.text;
  return std::filesystem::path(*path.place.origin).parent_path() / path.text;
}

base::JsonValue without_member(base::JsonValue object, std::string_view key) {
  std::erase_if(object.members, [&](const base::JsonMember& member) { return member.key == key; });
  return object;
}

void require(bool holds, const std::string& key, const std::string& what, const std::string& hint) {
  if (!holds) throw base::Error(fmt::format("/model/{}", key), what, hint);
}

void require_positive(std::initializer_list<std::pair<const char*, int>> sizes) {
  for (const auto& [key, value] : sizes) {
    require(value > 0, key, fmt::format("{} is {}", key, value), "give a positive size");
  }
}

void require_not_negative(std::initializer_list<std::pair<const char*, int>> sizes) {
  for (const auto& [key, value] : sizes) {
    require(value >= 0, key, fmt::format("{} is {}", key, value), "give a size of at least 0");
  }
}

void validate_attention(const ModelSpec& spec) {
  const LatentAttention& latent = spec.latent_attention;
  if (spec.attention == AttentionKind::mla) {
    require_positive({{"latent_attention/kv_lora_rank", latent.kv_lora_rank},
                      {"latent_attention/qk_nope_head_dim", latent.qk_nope_head_dim},
                      {"latent_attention/qk_rope_head_dim", latent.qk_rope_head_dim},
                      {"latent_attention/v_head_dim", latent.v_head_dim}});
    require_not_negative({{"latent_attention/q_lora_rank", latent.q_lora_rank}});
    return;
  }
  require(spec.num_attention_heads % spec.num_key_value_heads == 0, "num_key_value_heads",
          fmt::format("{} key-value heads do not divide {} attention heads",
                      spec.num_key_value_heads, spec.num_attention_heads),
          "num_key_value_heads must divide num_attention_heads");
}

void validate_experts(const ModelSpec& spec) {
  const int layers = spec.num_hidden_layers;
  require(spec.num_experts_per_tok <= spec.num_experts, "num_experts_per_tok",
          fmt::format("a token picks {} of {} experts", spec.num_experts_per_tok, spec.num_experts),
          "num_experts_per_tok is at most num_experts");
  require(
      spec.first_k_dense_replace <= layers, "first_k_dense_replace",
      fmt::format("the first {} of {} layers are to be dense", spec.first_k_dense_replace, layers),
      "first_k_dense_replace is at most num_hidden_layers");
  require(spec.num_moe_layers() > 0,
          spec.first_k_dense_replace > 0 ? "first_k_dense_replace" : "moe_layer_freq",
          fmt::format("none of the {} layers is MoE", layers),
          "lower first_k_dense_replace or moe_layer_freq");
  const int dense_layers = layers - spec.num_moe_layers();
  require(dense_layers == 0 || spec.intermediate_size > 0, "intermediate_size",
          fmt::format("there are dense layers ({}), but intermediate_size is 0", dense_layers),
          "give the dense layers' intermediate_size");
}

}  // namespace

base::EnumNames<AttentionKind> names_of(AttentionKind) {
  return {{AttentionKind::gqa, "gqa"}, {AttentionKind::mla, "mla"}};
}

bool ModelSpec::is_moe_layer(int layer) const {
  if (layer < first_k_dense_replace || layer >= num_hidden_layers) return false;
  return (layer - first_k_dense_replace + 1) % moe_layer_freq == 0;
}

int ModelSpec::num_moe_layers() const {
  if (first_k_dense_replace >= num_hidden_layers) return 0;
  return (num_hidden_layers - first_k_dense_replace) / moe_layer_freq;
}

void describe(base::FieldTable& table, LatentAttention& latent) {
  size_field(table, latent.q_lora_rank,
             {"q_lora_rank", 0, kMaxWidth, "Rank of the queries' compression; 0 = none."});
  size_field(table, latent.kv_lora_rank,
             {"kv_lora_rank", 0, kMaxWidth, "Rank of keys' and values' joint compression."});
  size_field(table, latent.qk_nope_head_dim,
             {"qk_nope_head_dim", 0, kMaxCount, "Per head, the part without position."});
  size_field(table, latent.qk_rope_head_dim,
             {"qk_rope_head_dim", 0, kMaxCount, "Per head, the part that carries the position."});
  size_field(table, latent.v_head_dim, {"v_head_dim", 0, kMaxCount, "Per head, a value's size."});
}

namespace {

void describe_attention(base::FieldTable& table, ModelSpec& spec) {
  table.field("attention", spec.attention,
              "gqa: grouped-query attention; mla: multi-head latent attention.");
  size_field(table, spec.num_attention_heads,
             {"num_attention_heads", 1, kMaxCount, "Query heads of a layer."})
      .required();
  size_field(table, spec.num_key_value_heads,
             {"num_key_value_heads", 1, kMaxCount, "Key-value heads; divides the query heads."})
      .required();
  size_field(table, spec.head_dim,
             {"head_dim", 1, kMaxCount, "Size of a head; mla counts latent_attention's instead."})
      .required();
  table.field("latent_attention", spec.latent_attention, "The sizes of mla.")
      .used_when(spec.attention == AttentionKind::mla, "attention is mla");
}

void describe_experts(base::FieldTable& table, ModelSpec& spec) {
  size_field(table, spec.num_experts,
             {"num_experts", 1, kMaxCount, "Routed experts of an MoE layer."})
      .required();
  size_field(table, spec.num_experts_per_tok,
             {"num_experts_per_tok", 1, kMaxCount, "Routed experts that a token passes through."})
      .required();
  size_field(table, spec.moe_intermediate_size,
             {"moe_intermediate_size", 1, kMaxWidth, "Inner width of one routed expert."})
      .required();
  size_field(table, spec.shared_expert_intermediate_size,
             {"shared_expert_intermediate_size", 0, kMaxWidth,
              "Inner width of all shared experts of a layer together; 0 = none."});
  table.field("gated_experts", spec.gated_experts,
              "Experts have three matrices (SwiGLU); false: two.");
}

void describe_dense_layers(base::FieldTable& table, ModelSpec& spec) {
  const bool any = spec.num_moe_layers() < spec.num_hidden_layers;
  const std::string condition = "some layers are dense";
  size_field(table, spec.intermediate_size,
             {"intermediate_size", 0, kMaxWidth, "Inner width of the dense layers' FFN."})
      .used_when(any, condition);
  size_field(table, spec.first_k_dense_replace,
             {"first_k_dense_replace", 0, kMaxLayers, "The first k layers are dense."});
  size_field(table, spec.moe_layer_freq,
             {"moe_layer_freq", 1, kMaxLayers,
              "Of the layers after the first dense ones, the last of every n is MoE."});
  size_field(table, spec.dense_ffn_matrices,
             {"dense_ffn_matrices", 2, 3, "Matrices of a dense FFN: 3 gated, 2 not."})
      .used_when(any, condition);
}

}  // namespace

void describe(base::FieldTable& table, ModelSpec& spec) {
  table.title("model", "The model's sizes, or a preset or config.json that gives them.");
  table.field("preset", spec.preset, "Name of a file in model/presets; other keys change it.");
  table.field("hf_config", spec.hf_config,
              "Path of a Hugging Face config.json, relative to this file; other keys change it.");
  table.field("name", spec.name, "Shown in reports.");
  size_field(table, spec.hidden_size, {"hidden_size", 1, kMaxWidth, "Width of a token's state."})
      .required();
  size_field(table, spec.num_hidden_layers,
             {"num_hidden_layers", 1, kMaxLayers, "Transformer layers."})
      .required();
  describe_attention(table, spec);
  describe_experts(table, spec);
  describe_dense_layers(table, spec);
  size_field(table, spec.vocab_size, {"vocab_size", 1, kMaxVocab, "Tokens of the vocabulary."})
      .required();
  table.field("tie_word_embeddings", spec.tie_word_embeddings,
              "The output head is the token embedding.");
  table.field("sources", spec.sources, "Where each number comes from, by key.");
}

void validate(const ModelSpec& spec) {
  require_positive({{"hidden_size", spec.hidden_size},
                    {"num_hidden_layers", spec.num_hidden_layers},
                    {"num_attention_heads", spec.num_attention_heads},
                    {"num_key_value_heads", spec.num_key_value_heads},
                    {"head_dim", spec.head_dim},
                    {"num_experts", spec.num_experts},
                    {"num_experts_per_tok", spec.num_experts_per_tok},
                    {"moe_intermediate_size", spec.moe_intermediate_size},
                    {"moe_layer_freq", spec.moe_layer_freq},
                    {"dense_ffn_matrices", spec.dense_ffn_matrices},
                    {"vocab_size", spec.vocab_size}});
  require_not_negative({{"shared_expert_intermediate_size", spec.shared_expert_intermediate_size},
                        {"intermediate_size", spec.intermediate_size},
                        {"first_k_dense_replace", spec.first_k_dense_replace}});
  validate_attention(spec);
  validate_experts(spec);
  count_parameters(spec);  // throws where the sizes' product is beyond counting
}

base::JsonValue resolve_model_preset(const base::JsonValue& section) {
  if (section.kind != base::JsonValue::Kind::object) return section;
  const base::JsonValue given = with_canonical_keys(section);
  const base::JsonValue* hf_config = given.find("hf_config");
  if (!names_something(hf_config)) return base::resolve_preset(given, "model/presets");
  if (names_something(given.find("preset"))) {
    throw base::Error(hf_config->place.text() + "  /model/hf_config",
                      "the model has both a preset and an hf_config",
                      "keep one of the two; \"preset\": \"\" takes back one that was extended");
  }
  if (hf_config->kind != base::JsonValue::Kind::string) {
    throw base::Error(hf_config->place.text() + "  /model/hf_config", "hf_config is not a string",
                      "give the path of a config.json");
  }
  base::JsonValue resolved = read_hf_config(beside_its_file(*hf_config));
  base::merge_json(resolved, without_member(given, "hf_config"));
  return resolved;
}

}  // namespace moesim::model
