// SPDX-License-Identifier: Apache-2.0
#include "model/spec/hf_config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "model/spec/parameter_count.h"
#include "tests/model/spec/read_spec.h"

namespace moesim::model {
namespace {

std::filesystem::path config_path(const std::string& name) {
  return std::filesystem::path(MOESIM_TEST_DATA_DIR) / "hf_configs" / (name + ".json");
}

base::JsonValue config(const std::string& name) { return base::read_json_file(config_path(name)); }

// `name`'s config with the members of `patch` set.
base::JsonValue config_with(const std::string& name, const std::string& patch) {
  base::JsonValue value = config(name);
  base::merge_json(value, base::parse_json(patch, "patch.json"));
  return value;
}

base::JsonValue config_without(const std::string& name, const std::string& key) {
  base::JsonValue value = config(name);
  std::erase_if(value.members, [&](const auto& member) { return member.key == key; });
  return value;
}

// What a config stands for, without what only one of config and preset says: name and sources.
ModelSpec sizes(ModelSpec spec) {
  spec.preset.clear();
  spec.name.clear();
  spec.sources.clear();
  return spec;
}

ModelSpec mapped(const base::JsonValue& hf_config) {
  ModelSpec spec;
  base::ReadReport report;
  base::read_json(map_hf_config(hf_config), spec, report);
  return spec;
}

std::string error_of(const base::JsonValue& hf_config) {
  try {
    map_hf_config(hf_config);
  } catch (const base::Error& error) {
    return error.where() + " | " + error.message() + " | " + error.hint();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Pair {
  const char* config;
  const char* preset;
};

// The presets' sizes come from other sources than these configs, see model/presets.
TEST(HfConfig, GivesTheSizesOfThePreset) {
  const Pair pairs[] = {{"mixtral_8x7b", "mixtral-8x7b"},
                        {"deepseek_v3", "deepseek-v3-671b"},
                        {"qwen3_30b_a3b", "qwen3-30b-a3b"},
                        {"qwen1.5_moe_a2.7b", "qwen1.5-moe-a2.7b"},
                        {"olmoe_1b_7b", "olmoe-1b-7b"}};
  for (const auto& [name, preset_name] : pairs) {
    const ModelSpec spec = mapped(config(name));
    const ModelSpec preset = read_preset(preset_name);
    EXPECT_EQ(sizes(spec), sizes(preset)) << name;
    EXPECT_EQ(count_parameters(spec).total(), count_parameters(preset).total()) << name;
    EXPECT_EQ(count_parameters(spec).active(spec), count_parameters(preset).active(preset)) << name;
  }
}

TEST(HfConfig, IsFoundBesideTheFileThatNamesIt) {
  const base::JsonValue section = base::parse_json(
      R"({"hf_config": "olmoe_1b_7b.json", "top_k": 4})", config_path("experiment").string());
  const ModelSpec spec = read_spec(section);
  EXPECT_EQ(spec.num_experts, 64);
  EXPECT_EQ(spec.num_experts_per_tok, 4);
  EXPECT_EQ(spec.name, "olmoe");
  EXPECT_EQ(spec.hf_config, "");
}

// The effective configuration of a run stands on its own, without the config.json.
TEST(HfConfig, AModelWrittenOutNoLongerNeedsIt) {
  const ModelSpec spec = mapped(config("olmoe_1b_7b"));
  EXPECT_EQ(read_spec(base::write_json(spec)), spec);
}

TEST(HfConfig, MissingFileIsAnError) {
  EXPECT_THROW(read_spec(R"({"hf_config": "there_is_no_such_config.json"})"), base::Error);
}

// DeepSeek-V2-Lite's config says "q_lora_rank": null.
TEST(HfConfig, NullQueryRankMeansNoCompression) {
  const ModelSpec spec = mapped(config_with("deepseek_v3", R"({"q_lora_rank": null})"));
  EXPECT_EQ(spec.latent_attention.q_lora_rank, 0);
}

TEST(HfConfig, SharedExpertsAreCountedTogether) {
  const ModelSpec spec = mapped(config_with("deepseek_v3", R"({"n_shared_experts": 2})"));
  EXPECT_EQ(spec.shared_expert_intermediate_size, 2 * 2048);
}

TEST(HfConfig, LeadingMlpOnlyLayersAreTheFirstDenseOnes) {
  const ModelSpec spec = mapped(config_with("qwen3_30b_a3b", R"({"mlp_only_layers": [0, 1]})"));
  EXPECT_EQ(spec.first_k_dense_replace, 2);
  EXPECT_EQ(spec.intermediate_size, 6144);
}

// transformers makes layer i sparse when (i + 1) is a multiple of decoder_sparse_step.
TEST(HfConfig, DecoderSparseStepIsTheMoeLayerFrequency) {
  const ModelSpec spec = mapped(config_with("qwen3_30b_a3b", R"({"decoder_sparse_step": 2})"));
  EXPECT_FALSE(spec.is_moe_layer(0));
  EXPECT_TRUE(spec.is_moe_layer(1));
  EXPECT_EQ(spec.num_moe_layers(), 24);
  EXPECT_EQ(spec.intermediate_size, 6144);
}

TEST(HfConfig, UnknownModelTypeListsTheSupportedOnes) {
  const std::string error = error_of(config_with("mixtral_8x7b", R"({"model_type": "llama"})"));
  EXPECT_TRUE(contains(error, "/model_type")) << error;
  EXPECT_TRUE(contains(error, "\"llama\"")) << error;
  EXPECT_TRUE(contains(error, "mixtral, deepseek_v2, deepseek_v3, qwen2_moe, qwen3_moe, olmoe"))
      << error;
}

TEST(HfConfig, MissingKeyIsNamed) {
  EXPECT_TRUE(
      contains(error_of(config_without("mixtral_8x7b", "num_local_experts")), "num_local_experts"));
  EXPECT_TRUE(contains(error_of(config_without("deepseek_v3", "kv_lora_rank")), "kv_lora_rank"));
  EXPECT_TRUE(contains(error_of(config_without("olmoe_1b_7b", "model_type")), "model_type"));
  EXPECT_TRUE(
      contains(error_of(config_without("qwen1.5_moe_a2.7b", "shared_expert_intermediate_size")),
               "shared_expert_intermediate_size"));
}

TEST(HfConfig, ASizeThatIsNoWholeNumberIsAnError) {
  for (const char* bad : {"4096.5", "-1", "\"4096\"", "99999999999", "[]"}) {
    const std::string patch = std::string(R"({"hidden_size": )") + bad + "}";
    const std::string error = error_of(config_with("mixtral_8x7b", patch));
    EXPECT_TRUE(contains(error, "patch.json:1:17  /hidden_size")) << error;
  }
}

TEST(HfConfig, LayerPatternsThatCannotBeSaidAreErrors) {
  EXPECT_TRUE(contains(error_of(config_with("qwen3_30b_a3b", R"({"mlp_only_layers": [3]})")),
                       "/mlp_only_layers"));
  EXPECT_TRUE(
      contains(error_of(config_with("qwen3_30b_a3b",
                                    R"({"mlp_only_layers": [0], "decoder_sparse_step": 2})")),
               "/mlp_only_layers"));
  EXPECT_TRUE(contains(error_of(config_with("qwen3_30b_a3b", R"({"mlp_only_layers": 3})")),
                       "/mlp_only_layers"));
  EXPECT_TRUE(contains(error_of(config_with("deepseek_v3", R"({"moe_layer_freq": 2})")),
                       "/moe_layer_freq"));
}

TEST(HfConfig, HeadsThatDoNotDivideTheHiddenSizeNeedAHeadDim) {
  EXPECT_TRUE(
      contains(error_of(config_with("mixtral_8x7b", R"({"num_attention_heads": 3})")), "head_dim"));
  EXPECT_TRUE(
      contains(error_of(config_with("mixtral_8x7b", R"({"num_attention_heads": 0})")), "head_dim"));
}

TEST(HfConfig, AnythingButAnObjectIsAnError) {
  EXPECT_NE(error_of(base::parse_json("[1, 2]", "config.json")), "no error");
}

}  // namespace
}  // namespace moesim::model
