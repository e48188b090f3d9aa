// SPDX-License-Identifier: Apache-2.0
#include "model/spec/model_spec.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/data_directory.h"
#include "base/error.h"
#include "tests/model/spec/read_spec.h"

namespace moesim::model {
namespace {

std::vector<int> moe_layers(const ModelSpec& spec) {
  std::vector<int> layers;
  for (int layer = -1; layer <= spec.num_hidden_layers; ++layer) {
    if (spec.is_moe_layer(layer)) layers.push_back(layer);
  }
  return layers;
}

// Where validate() complains about small_model() after `change`; "" when it does not.
std::string complaint_after(const std::function<void(ModelSpec&)>& change) {
  ModelSpec spec = small_model();
  change(spec);
  try {
    validate(spec);
  } catch (const base::Error& error) {
    EXPECT_FALSE(error.message().empty());
    EXPECT_FALSE(error.hint().empty());
    return error.where();
  }
  return "";
}

std::string hint_of(const std::string& text) {
  try {
    read_spec(text);
  } catch (const base::Error& error) {
    return error.hint();
  }
  return "no error";
}

// DeepSeek-V3's pattern: dense ones first, then every layer is MoE.
TEST(ModelSpec, TheFirstLayersAreDense) {
  ModelSpec spec = small_model();
  spec.num_hidden_layers = 5;
  spec.first_k_dense_replace = 3;
  EXPECT_EQ(moe_layers(spec), (std::vector<int>{3, 4}));
  EXPECT_EQ(spec.num_moe_layers(), 2);
}

// Llama 4 Maverick's and GLaM's pattern: dense, MoE, dense, MoE.
TEST(ModelSpec, EverySecondLayerIsMoe) {
  ModelSpec spec = small_model();
  spec.num_hidden_layers = 5;
  spec.first_k_dense_replace = 0;
  spec.moe_layer_freq = 2;
  EXPECT_EQ(moe_layers(spec), (std::vector<int>{1, 3}));
  EXPECT_EQ(spec.num_moe_layers(), 2);
}

TEST(ModelSpec, CountOfMoeLayersAgreesWithTheirPattern) {
  ModelSpec spec = small_model();
  for (spec.num_hidden_layers = 1; spec.num_hidden_layers <= 7; ++spec.num_hidden_layers) {
    for (spec.first_k_dense_replace = 0; spec.first_k_dense_replace <= 8;
         ++spec.first_k_dense_replace) {
      for (spec.moe_layer_freq = 1; spec.moe_layer_freq <= 4; ++spec.moe_layer_freq) {
        EXPECT_EQ(spec.num_moe_layers(), static_cast<int>(moe_layers(spec).size()));
      }
    }
  }
}

TEST(ModelSpec, ASoundModelIsValid) {
  EXPECT_EQ(complaint_after([](ModelSpec&) {}), "");
}

TEST(ModelSpec, ContradictionsNameTheirKey) {
  EXPECT_EQ(complaint_after([](ModelSpec& s) { s.num_experts_per_tok = 5; }),
            "/model/num_experts_per_tok");
  EXPECT_EQ(
      complaint_after([](ModelSpec& s) { s.num_attention_heads = 3, s.num_key_value_heads = 2; }),
      "/model/num_key_value_heads");
  EXPECT_EQ(complaint_after([](ModelSpec& s) { s.first_k_dense_replace = 4; }),
            "/model/first_k_dense_replace");
  EXPECT_EQ(complaint_after([](ModelSpec& s) { s.first_k_dense_replace = 3; }),
            "/model/first_k_dense_replace");
  EXPECT_EQ(
      complaint_after([](ModelSpec& s) { s.first_k_dense_replace = 0, s.moe_layer_freq = 4; }),
      "/model/moe_layer_freq");
  EXPECT_EQ(complaint_after([](ModelSpec& s) { s.intermediate_size = 0; }),
            "/model/intermediate_size");
}

TEST(ModelSpec, SizesMustBePositive) {
  EXPECT_EQ(complaint_after([](ModelSpec& s) { s.hidden_size = 0; }), "/model/hidden_size");
  EXPECT_EQ(complaint_after([](ModelSpec& s) { s.num_experts = -1; }), "/model/num_experts");
  EXPECT_EQ(complaint_after([](ModelSpec& s) { s.moe_layer_freq = 0; }), "/model/moe_layer_freq");
  EXPECT_EQ(complaint_after([](ModelSpec& s) { s.shared_expert_intermediate_size = -1; }),
            "/model/shared_expert_intermediate_size");
}

TEST(ModelSpec, LatentAttentionNeedsItsSizes) {
  EXPECT_EQ(complaint_after([](ModelSpec& s) { s.attention = AttentionKind::mla; }),
            "/model/latent_attention/kv_lora_rank");
}

// Comparing attentions on one model is a fair wish: the preset's latent sizes then lie idle.
TEST(ModelSpec, AnMlaPresetCanBeAskedForGqa) {
  const ModelSpec spec = read_spec(R"({"preset": "deepseek-v3-671b", "attention": "gqa"})");
  EXPECT_EQ(spec.attention, AttentionKind::gqa);
  EXPECT_NO_THROW(validate(spec));
}

TEST(ModelSpec, AbsurdSizesAreRefusedBeforeTheyOverflow) {
  EXPECT_EQ(complaint_after([](ModelSpec& s) {
              s.num_hidden_layers = 10'000;
              s.num_experts = 65'536;
              s.hidden_size = s.moe_intermediate_size = 1'000'000;
            }),
            "/model");
}

TEST(ModelSpec, WritingAndReadingGivesTheSameModel) {
  const ModelSpec spec = read_preset("deepseek-v3-671b");
  EXPECT_EQ(read_spec(base::write_json(spec)), spec);
}

TEST(ModelSpec, MembersBesideAPresetChangeIt) {
  const ModelSpec spec = read_spec(R"({"preset": "olmoe-1b-7b", "num_hidden_layers": 4})");
  EXPECT_EQ(spec.num_hidden_layers, 4);
  EXPECT_EQ(spec.num_experts, 64);
  EXPECT_EQ(spec.preset, "olmoe-1b-7b");
}

TEST(ModelSpec, AnAliasBesideAPresetChangesThePresetsOwnKey) {
  const ModelSpec spec =
      read_spec(R"({"preset": "olmoe-1b-7b", "moe_router_topk": 4, "num_layers": 2})");
  EXPECT_EQ(spec.num_experts_per_tok, 4);
  EXPECT_EQ(spec.num_hidden_layers, 2);
}

TEST(ModelSpec, AKeyAndItsAliasTogetherAreAnError) {
  EXPECT_THROW(read_spec(R"({"preset": "olmoe-1b-7b", "top_k": 4, "num_experts_per_tok": 2})"),
               base::Error);
}

TEST(ModelSpec, UnknownPresetSuggestsTheNearest) {
  EXPECT_NE(hint_of(R"({"preset": "olmoe-1b-7"})").find("olmoe-1b-7b"), std::string::npos);
}

TEST(ModelSpec, MissingSizesAreAnError) {
  EXPECT_THROW(read_spec(R"({"hidden_size": 64})"), base::Error);
}

TEST(ModelSpec, PresetAndHfConfigTogetherAreAnError) {
  EXPECT_NE(hint_of(R"({"preset": "olmoe-1b-7b", "hf_config": "config.json"})").find("keep one"),
            std::string::npos);
}

TEST(ModelPresets, AreAllValidAndNameTheSourceOfEachNumber) {
  const std::vector<std::string> names = base::preset_names("model/presets");
  ASSERT_FALSE(names.empty());
  for (const std::string& name : names) {
    EXPECT_NO_THROW(validate(read_preset(name))) << name;
    const base::JsonValue preset =
        base::read_json_file(base::data_directory() / "model/presets" / (name + ".json"));
    const base::JsonValue* sources = preset.find("sources");
    ASSERT_NE(sources, nullptr) << name;
    std::vector<std::string> numbers;
    for (const base::JsonMember& member : preset.members) {
      if (member.value.kind == base::JsonValue::Kind::number) numbers.push_back(member.key);
      if (member.key != "latent_attention") continue;
      for (const base::JsonMember& size : member.value.members) {
        numbers.push_back(member.key + "." + size.key);
      }
    }
    for (const std::string& number : numbers) {
      const base::JsonValue* source = sources->find(number);
      ASSERT_NE(source, nullptr) << name << ": " << number;
      EXPECT_FALSE(source->text.empty()) << name << ": " << number;
    }
  }
}

}  // namespace
}  // namespace moesim::model
