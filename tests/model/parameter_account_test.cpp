// SPDX-License-Identifier: Apache-2.0
#include "model/parameter_account.h"

#include <gtest/gtest.h>

#include "model/layers/moe_gpt.h"
#include "tests/model/layers/small_model.h"

namespace moesim::model {
namespace {

// hidden 8, 4 query heads and 2 key-value heads of size 2, 5 positions, 3 layers of which the
// second is MoE: 5 gated experts of 3 units, top-2.
MoeGptConfig hand_counted() {
  MoeGptConfig config = testing::small_model();
  config.num_hidden_layers = 3;
  config.first_k_dense_replace = 1;
  config.moe_layer_freq = 2;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  return config;
}

// Embedding: 256 x 8 + 5 x 8, tied. Attention of a layer: 8 x (8 + 4 + 4) + 8 x 8, biases 16 + 8.
// Norms: 7 of 16. Router: 5 x 8. An expert: 3 x 8 x 3 = 72. Dense: 2 layers of 3 x 8 x 6.
TEST(ParameterAccount, CountsAHandWorkedModel) {
  const ParameterAccount account = account_parameters(hand_counted());
  EXPECT_EQ(account.embedding, 2048 + 40);
  EXPECT_EQ(account.attention, 3 * (128 + 64 + 24));
  EXPECT_EQ(account.norms, 7 * 16);
  EXPECT_EQ(account.router, 40);
  EXPECT_EQ(account.routed_experts, 5 * 72);
  EXPECT_EQ(account.active_experts, 2 * 72);
  EXPECT_EQ(account.dense_ffn, 2 * 144);
  EXPECT_EQ(account.shared_experts, 0);
  EXPECT_EQ(account.total(), 2088 + 648 + 112 + 40 + 360 + 288);
  EXPECT_EQ(account.active(), account.total() - 3 * 72);
  EXPECT_EQ(account.bytes(4), 4 * 3536);
  EXPECT_DOUBLE_EQ(account.active_ratio(), 3320.0 / 3536);
}

void expect_sum_over_parameters(const MoeGptConfig& config, const std::string& what) {
  base::Rng rng(1, "weights");
  auto weights = random_moe_gpt<float>(config, rng);
  std::int64_t sum = 0;
  for (const Parameter<float>& parameter : parameters(weights)) sum += parameter.matrix->size();
  EXPECT_EQ(account_parameters(config).total(), sum) << what;
}

TEST(ParameterAccount, IsTheSumOverAllParameters) {
  for (const bool flag : {false, true}) {
    MoeGptConfig config = hand_counted();
    config.gated = flag;
    expect_sum_over_parameters(config, "gated");
    config.mlp_bias = true;
    config.attention_bias = !flag;
    expect_sum_over_parameters(config, "biases");
    config.n_shared_experts = 2;
    expect_sum_over_parameters(config, "shared experts");
    config.expert_intermediate_sizes = {1, 5, 2, 4, 3};
    config.tie_word_embeddings = flag;
    expect_sum_over_parameters(config, "differing sizes");
    config.use_moe = false;
    expect_sum_over_parameters(config, "dense");
  }
  for (const auto& [type, name] : names_of(RouterType{})) {
    MoeGptConfig config = testing::small_model();
    config.router.num_experts = 6;
    config.router.type = type;
    config.router.n_group = 3;
    expect_sum_over_parameters(config, name);
    config.router.noise_scale = NoiseScale::fixed;
    config.router.balance.bias_update_rate = 1e-3;
    expect_sum_over_parameters(config, name);
  }
}

// A token passes through 2 x 3 units in the MoE layer and 6 in each dense one: 18 in 3 layers, 3
// matrices of 8 x units, 2 operations an element. 6 units a layer make the dense model equal.
TEST(ParameterAccount, TheDenseCounterpartDoesTheSameWork) {
  const MoeGptConfig config = hand_counted();
  EXPECT_EQ(ffn_flops_per_token(config), 2 * 3 * 8 * 18);
  const MoeGptConfig dense = dense_counterpart(config);
  EXPECT_EQ(dense.intermediate_size, 6);
  EXPECT_FALSE(dense.use_moe);
  EXPECT_EQ(ffn_flops_per_token(dense), ffn_flops_per_token(config));
  EXPECT_EQ(account_parameters(dense).active(), account_parameters(dense).total());
}

// Two MoE layers of 2 x mean(1, 5, 2, 4, 3) + 2 shared x 3 = 12 units each.
TEST(ParameterAccount, SharedExpertsAndDifferingSizesCountAsWork) {
  MoeGptConfig config = testing::small_model();
  config.expert_intermediate_sizes = {1, 5, 2, 4, 3};
  config.n_shared_experts = 2;
  EXPECT_EQ(dense_counterpart(config).intermediate_size, 12);
}

}  // namespace
}  // namespace moesim::model
