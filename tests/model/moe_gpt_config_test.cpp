// SPDX-License-Identifier: Apache-2.0
#include "model/moe_gpt_config.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/base/thrown_error.h"

namespace moesim::model {
namespace {

MoeGptConfig read(const std::string& text) {
  MoeGptConfig model;
  base::ReadReport report;
  base::read_json(base::parse_json(text, "model.json"), model, report, "/model");
  return model;
}

TEST(MoeGptConfig, IsReadAndWrittenBack) {
  const MoeGptConfig model = read(R"({"num_layers": 6, "hidden_size": 256,
      "num_attention_heads": 8, "num_key_value_heads": 2, "seq_length": 256,
      "tie_word_embeddings": false, "first_k_dense_replace": 1, "moe_layer_freq": 2,
      "intermediate_size": 1024, "moe_intermediate_size": 512,
      "expert_intermediate_sizes": [512, 256], "n_shared_experts": 1, "hidden_act": "swish",
      "gated": false, "mlp_bias": true, "resid_pdrop": 0.1, "expert_dropout": 0.2,
      "router": {"num_experts": 2, "top_k": 1}})");
  EXPECT_EQ(model.num_hidden_layers, 6);
  EXPECT_EQ(model.hidden_act, Activation::silu);
  EXPECT_EQ(model.residual_dropout, 0.1);
  EXPECT_EQ(model.router.num_experts, 2);
  EXPECT_EQ(model.expert_sizes(), (std::vector<int>{512, 256}));
  EXPECT_EQ(read(base::write_json(model)), model);
  validate(model, "/model");
}

// Layers 1, 3 and 5 of six: the first is dense, then every second one is MoE.
TEST(MoeGptConfig, SaysWhichLayersAreMoe) {
  MoeGptConfig model;
  model.first_k_dense_replace = 1;
  model.moe_layer_freq = 2;
  for (int layer = 0; layer < 6; ++layer) EXPECT_EQ(model.is_moe_layer(layer), layer % 2 == 1);
  model.use_moe = false;
  EXPECT_FALSE(model.is_moe_layer(1));
}

TEST(MoeGptConfig, ExpertsAreAlikeUnlessListed) {
  MoeGptConfig model;
  model.router.num_experts = 3;
  EXPECT_EQ(model.expert_sizes(), (std::vector<int>{128, 128, 128}));
}

TEST(MoeGptConfig, KeysWithoutEffectAreErrors) {
  EXPECT_THROW(read(R"({"use_moe": false, "router": {}})"), base::Error);
  EXPECT_THROW(read(R"({"use_moe": false, "moe_intermediate_size": 8})"), base::Error);
  EXPECT_THROW(read(R"({"intermediate_size": 8})"), base::Error);
  EXPECT_EQ(read(R"({"use_moe": false, "intermediate_size": 8})").intermediate_size, 8);
}

struct Contradiction {
  std::string where;
  std::function<void(MoeGptConfig&)> make;
};

TEST(MoeGptConfig, ContradictionsNameTheirPlaceAndAWayOut) {
  using C = MoeGptConfig;
  const std::vector<Contradiction> cases{
      {"num_hidden_layers", [](C& c) { c.num_hidden_layers = 0; }},
      {"seq_length", [](C& c) { c.seq_length = -1; }},
      {"num_attention_heads", [](C& c) { c.num_attention_heads = 5; }},
      {"num_key_value_heads", [](C& c) { c.num_key_value_heads = 3; }},
      {"moe_layer_freq", [](C& c) { c.moe_layer_freq = 0; }},
      {"first_k_dense_replace", [](C& c) { c.first_k_dense_replace = 2; }},
      {"expert_intermediate_sizes",
       [](C& c) {
         c.expert_intermediate_sizes = {1, 2};
       }},
      {"expert_intermediate_sizes", [](C& c) { c.expert_intermediate_sizes.assign(8, 0); }},
      {"n_shared_experts", [](C& c) { c.n_shared_experts = -1; }},
      {"attention_dropout", [](C& c) { c.attention_dropout = 1; }},
      {"expert_dropout", [](C& c) { c.expert_dropout = -0.1; }},
      {"router/num_experts_per_tok", [](C& c) { c.router.top_k = 9; }},
  };
  for (const Contradiction& contradiction : cases) {
    MoeGptConfig model;
    contradiction.make(model);
    const base::Error error = base::thrown_error([&] { validate(model, "/model"); });
    EXPECT_EQ(error.where(), "/model/" + contradiction.where);
    EXPECT_FALSE(error.hint().empty()) << error.what();
  }
}

TEST(MoeGptConfig, ADenseModelNeedsNoValidRouter) {
  MoeGptConfig model;
  model.use_moe = false;
  model.router.top_k = 9;
  EXPECT_NO_THROW(validate(model, ""));
}

TEST(MoeGptConfig, SwishIsSilu) {
  for (const auto& [activation, name] : names_of(Activation{})) {
    if (name != "swish") continue;
    EXPECT_EQ(activation, Activation::silu);
  }
  EXPECT_EQ(read(R"({"hidden_act": "gelu_tanh"})").hidden_act, Activation::gelu_tanh);
}

}  // namespace
}  // namespace moesim::model
