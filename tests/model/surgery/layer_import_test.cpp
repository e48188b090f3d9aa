// SPDX-License-Identifier: Apache-2.0
#include "model/surgery/layer_import.h"

#include <gtest/gtest.h>

#include "tests/model/checkpoint/scratch_files.h"
#include "tests/model/layers/small_model.h"

namespace moesim::model {
namespace {

using testing::expect_complaint;

// Five experts of 3 units on a width of 8, a shared one of 3, and all that a router can have.
MoeGptConfig rich_model() {
  MoeGptConfig config = testing::small_model();
  config.mlp_bias = true;
  config.n_shared_experts = 1;
  config.router.type = RouterType::noisy_top_k;
  config.router.balance.bias_update_rate = 1e-3;
  return config;
}

ExpertWeights<float> experts_of(Index units, float value) {
  const Matrix<float> matrix = Matrix<float>::Constant(units, 8, value);
  return {matrix, 2 * matrix, 3 * matrix, {}, {}, {}};
}

HfMoeLayer published() {
  HfMoeLayer layer;
  layer.router.gate = Matrix<float>::Constant(5, 8, 0.5F);
  layer.router.selection_bias = Matrix<float>::Constant(1, 5, 0.25F);
  layer.experts = experts_of(15, 1);
  layer.expert_sizes = {3, 3, 3, 3, 3};
  layer.shared = experts_of(3, 4);
  return layer;
}

MoeLayerWeights<float> ours(const MoeGptConfig& config) {
  return testing::shaken_weights<float>(config, 3).blocks[1].moe;
}

TEST(LayerImport, TakesAllThatThePublishedLayerHasAndZeroesTheRest) {
  const MoeGptConfig config = rich_model();
  const MoeLayerWeights<float> old = ours(config);
  ASSERT_GT(old.router.noise.norm(), 0);
  ASSERT_GT(old.experts.up_bias.norm(), 0);
  const MoeLayerWeights<float> layer = fitted_layer(config, published(), old, "shard");
  EXPECT_EQ(layer.router.gate, published().router.gate);
  EXPECT_EQ(layer.router.selection_bias, published().router.selection_bias);
  EXPECT_EQ(layer.experts.down, published().experts.down);
  EXPECT_EQ(layer.shared.up, published().shared.up);
  EXPECT_EQ(layer.router.noise, Matrix<float>::Zero(5, 8));
  EXPECT_EQ(layer.experts.gate_bias, Matrix<float>::Zero(1, 15));
  EXPECT_EQ(layer.experts.down_bias, Matrix<float>::Zero(5, 8));
  EXPECT_EQ(layer.shared.up_bias, Matrix<float>::Zero(1, 3));
}

TEST(LayerImport, ASelectionBiasThatIsNotPublishedIsZero) {
  HfMoeLayer layer = published();
  layer.router.selection_bias.resize(0, 0);
  const MoeGptConfig config = rich_model();
  EXPECT_EQ(fitted_layer(config, layer, ours(config), "shard").router.selection_bias,
            Matrix<float>::Zero(1, 5));
}

void expect_misfit(MoeGptConfig config, const HfMoeLayer& layer, const std::string& what) {
  const MoeLayerWeights<float> old = ours(config);
  expect_complaint([&] { fitted_layer(config, layer, old, "shard"); }, {"shard", what, ""});
}

TEST(LayerImport, WhatDoesNotFitIsAnError) {
  MoeGptConfig config = rich_model();
  config.router.type = RouterType::hash;
  config.router.balance = {};
  expect_misfit(config, published(), "a gate");
  config = rich_model();
  config.router.balance.bias_update_rate = 0;
  expect_misfit(config, published(), "a selection bias");
  config = rich_model();
  config.gated = false;
  expect_misfit(config, published(), "gated experts");
  config = rich_model();
  config.n_shared_experts = 0;
  expect_misfit(config, published(), "shared experts' units 3, the model's 0");
  HfMoeLayer layer = published();
  layer.shared = {};
  expect_misfit(rich_model(), layer, "shared experts' units 0, the model's 3");
  layer = published();
  layer.expert_sizes = {3, 3, 2, 4, 3};
  expect_misfit(rich_model(), layer, "moe_intermediate_size 2, the model's 3");
}

}  // namespace
}  // namespace moesim::model
