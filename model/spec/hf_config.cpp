// SPDX-License-Identifier: Apache-2.0
#include "model/spec/hf_config.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace moesim::model {
namespace {

using base::JsonValue;

constexpr std::int64_t kMaxSize = 2147483647;

[[noreturn]] void fail(const base::Place& place, std::string_view key, const std::string& what,
                       const std::string& hint) {
  throw base::Error(fmt::format("{}  /{}", place.text(), key), what, hint);
}

JsonValue text_value(std::string text, const base::Place& place) {
  JsonValue value;
  value.kind = JsonValue::Kind::string;
  value.text = std::move(text);
  value.place = place;
  return value;
}

JsonValue size_value(std::int64_t size, const base::Place& place) {
  JsonValue value;
  value.kind = JsonValue::Kind::number;
  value.number = static_cast<double>(size);
  value.integral = true;
  value.text = std::to_string(size);
  value.place = place;
  return value;
}

// The config under way, and the fields made of it.
class Mapping {
 public:
  explicit Mapping(const JsonValue& config) : config_(config) {
    fields_.kind = sources_.kind = JsonValue::Kind::object;
    fields_.place = sources_.place = config.place;
  }

  // nullptr when absent or null.
  const JsonValue* find(std::string_view key) const {
    const JsonValue* value = config_.find(key);
    const bool present = value != nullptr && value->kind != JsonValue::Kind::null;
    return present ? value : nullptr;
  }

  const JsonValue& get(std::string_view key) const {
    const JsonValue* value = find(key);
    if (value == nullptr) {
      fail(config_.place, key, fmt::format("the config has no \"{}\"", key),
           "add it: configs of this model_type need it to tell the model's size");
    }
    return *value;
  }

  std::int64_t size(std::string_view key) const { return whole_number(key, get(key)); }

  std::int64_t size_or(std::string_view key, std::int64_t absent) const {
    const JsonValue* value = find(key);
    return value == nullptr ? absent : whole_number(key, *value);
  }

  void copy(std::string_view key) { copy(key, key); }
  void copy(std::string_view key, std::string_view field) {
    set(field, size_value(size(key), get(key).place), key);
  }

  void set(std::string_view field, JsonValue value, std::string_view from) {
    add(fields_, field, std::move(value));
    add(sources_, field, text_value(fmt::format("config.json: {}", from), config_.place));
  }

  const base::Place& place() const { return config_.place; }

  JsonValue finish() && {
    add(fields_, "sources", std::move(sources_));
    return std::move(fields_);
  }

  static void add(JsonValue& object, std::string_view key, JsonValue value) {
    object.members.push_back({std::string(key), value.place, std::move(value)});
  }

 private:
  static std::int64_t whole_number(std::string_view key, const JsonValue& value) {
    const bool whole = value.kind == JsonValue::Kind::number && value.integral &&
                       value.number >= 0 && value.number <= static_cast<double>(kMaxSize);
    if (!whole) {
      fail(value.place, key, fmt::format("\"{}\" is not a whole number of at least 0", key), "");
    }
    return static_cast<std::int64_t>(value.number);
  }

  const JsonValue& config_;
  JsonValue fields_;
  JsonValue sources_;
};

void map_sizes(Mapping& mapping) {
  for (const char* key :
       {"hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads"}) {
    mapping.copy(key);
  }
  mapping.copy("vocab_size");
  const JsonValue* tied = mapping.find("tie_word_embeddings");
  if (tied == nullptr) return;
  if (tied->kind != JsonValue::Kind::boolean) {
    fail(tied->place, "tie_word_embeddings", "\"tie_word_embeddings\" is not true or false", "");
  }
  mapping.set("tie_word_embeddings", *tied, "tie_word_embeddings");
}

// Configs of models whose heads divide the hidden size evenly may leave head_dim out.
void map_head_dim(Mapping& mapping) {
  if (mapping.find("head_dim") != nullptr) return mapping.copy("head_dim");
  const std::int64_t hidden = mapping.size("hidden_size");
  const std::int64_t heads = mapping.size("num_attention_heads");
  if (heads == 0 || hidden % heads != 0) {
    fail(mapping.place(), "head_dim",
         "the config has no \"head_dim\" and its heads do not divide its hidden_size",
         "add head_dim");
  }
  mapping.set("head_dim", size_value(hidden / heads, mapping.place()),
              "hidden_size / num_attention_heads");
}

void map_mixtral(Mapping& mapping) {
  map_head_dim(mapping);
  mapping.copy("num_local_experts", "num_experts");
  mapping.copy("num_experts_per_tok");
  mapping.copy("intermediate_size", "moe_intermediate_size");
}

void map_olmoe(Mapping& mapping) {
  map_head_dim(mapping);
  mapping.copy("num_experts");
  mapping.copy("num_experts_per_tok");
  mapping.copy("intermediate_size", "moe_intermediate_size");
}

void map_latent_attention(Mapping& mapping) {
  const base::Place& place = mapping.place();
  JsonValue latent;
  latent.kind = JsonValue::Kind::object;
  latent.place = place;
  Mapping::add(latent, "q_lora_rank", size_value(mapping.size_or("q_lora_rank", 0), place));
  for (const char* key : {"kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"}) {
    Mapping::add(latent, key, size_value(mapping.size(key), mapping.get(key).place));
  }
  mapping.set("attention", text_value("mla", place), "model_type");
  mapping.set("latent_attention", std::move(latent), "q_lora_rank ... v_head_dim");
  mapping.copy("v_head_dim", "head_dim");
}

void map_deepseek(Mapping& mapping) {
  map_latent_attention(mapping);
  mapping.copy("n_routed_experts", "num_experts");
  mapping.copy("num_experts_per_tok");
  mapping.copy("moe_intermediate_size");
  const std::int64_t shared = mapping.size_or("n_shared_experts", 0);
  mapping.set("shared_expert_intermediate_size",
              size_value(shared * mapping.size("moe_intermediate_size"), mapping.place()),
              "n_shared_experts x moe_intermediate_size");
  mapping.copy("first_k_dense_replace");
  if (mapping.size("first_k_dense_replace") > 0) mapping.copy("intermediate_size");
  if (mapping.size_or("moe_layer_freq", 1) != 1) {
    fail(mapping.get("moe_layer_freq").place, "moe_layer_freq",
         "only a moe_layer_freq of 1 is understood here: DeepSeek's code counts it from layer 0, "
         "not from the first layer that is not dense",
         "give the model's fields themselves");
  }
}

// The number of layers in `mlp_only_layers` when they are the first ones, [0, 1, ..., k-1].
std::int64_t leading_dense_layers(const Mapping& mapping) {
  const JsonValue* layers = mapping.find("mlp_only_layers");
  if (layers == nullptr) return 0;
  bool leading = layers->kind == JsonValue::Kind::array;
  for (std::size_t i = 0; leading && i < layers->items.size(); ++i) {
    const JsonValue& layer = layers->items[i];
    leading = layer.kind == JsonValue::Kind::number && layer.number == static_cast<double>(i);
  }
  const std::int64_t count = static_cast<std::int64_t>(layers->items.size());
  if (!leading || (count > 0 && mapping.size_or("decoder_sparse_step", 1) != 1)) {
    fail(layers->place, "mlp_only_layers",
         "these mlp_only_layers cannot be said with first_k_dense_replace",
         "only the first k layers [0, 1, ..., k-1], with a decoder_sparse_step of 1, can be dense");
  }
  return count;
}

void map_qwen(Mapping& mapping) {
  map_head_dim(mapping);
  for (const char* key : {"num_experts", "num_experts_per_tok", "moe_intermediate_size"}) {
    mapping.copy(key);
  }
  const std::int64_t dense = leading_dense_layers(mapping);
  const std::int64_t step = mapping.size_or("decoder_sparse_step", 1);
  mapping.set("first_k_dense_replace", size_value(dense, mapping.place()), "mlp_only_layers");
  mapping.set("moe_layer_freq", size_value(step, mapping.place()), "decoder_sparse_step");
  if (dense > 0 || step > 1) mapping.copy("intermediate_size");
}

void map_qwen2(Mapping& mapping) {
  map_qwen(mapping);
  mapping.copy("shared_expert_intermediate_size");
}

struct Family {
  const char* model_type;
  void (*map)(Mapping&);
};

constexpr Family kFamilies[] = {
    {"mixtral", map_mixtral}, {"deepseek_v2", map_deepseek}, {"deepseek_v3", map_deepseek},
    {"qwen2_moe", map_qwen2}, {"qwen3_moe", map_qwen},       {"olmoe", map_olmoe},
};

const Family& find_family(const JsonValue& model_type) {
  std::string supported;
  for (const Family& family : kFamilies) {
    if (model_type.text == family.model_type) return family;
    if (!supported.empty()) supported += ", ";
    supported += family.model_type;
  }
  fail(model_type.place, "model_type", fmt::format("unknown model_type \"{}\"", model_type.text),
       fmt::format("the supported ones are {}; or give the model's fields themselves", supported));
}

}  // namespace

JsonValue map_hf_config(const JsonValue& config) {
  if (config.kind != JsonValue::Kind::object) {
    fail(config.place, "", "a Hugging Face config is a JSON object", "");
  }
  Mapping mapping(config);
  const JsonValue& model_type = mapping.get("model_type");
  const Family& family = find_family(model_type);
  map_sizes(mapping);
  family.map(mapping);
  JsonValue fields = std::move(mapping).finish();
  Mapping::add(fields, "name", text_value(family.model_type, model_type.place));
  return fields;
}

JsonValue read_hf_config(const std::filesystem::path& path) {
  return map_hf_config(base::read_json_file(path));
}

}  // namespace moesim::model
