// SPDX-License-Identifier: Apache-2.0
// The processor's router is the reference: decision, losses and gradients bit for bit.
#include "model/cuda/device_router.h"

#include <gtest/gtest.h>

#include "tests/support/device_model.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::DeviceCopy;
using moesim::testing::DeviceModel;
using moesim::testing::on_each_device;
using moesim::testing::random_bytes;
using moesim::testing::random_matrix;
using moesim::testing::small_model;

void expect_same_router(Device& device, const RouterConfig& config, int tokens) {
  SCOPED_TRACE(std::to_string(tokens) + " tokens");
  base::Rng rng(1, "rows");
  MoeGptConfig model = small_model();
  model.router = config;
  DeviceModel one(device, model, true);
  const RouterWeights<float>& weights = one.weights.blocks[0].moe.router;
  const Matrix<float> x = random_matrix<float>(tokens, model.hidden_size, rng);
  const std::vector<std::uint8_t> bytes = random_bytes(tokens).inputs;
  const TokenContext context{bytes, 50, 0};
  RouterCache<float> cache;
  route(RouterRun<float>{weights, config, context, one.processor}, x, cache);
  const Matrix<float> d_weights = random_matrix<float>(tokens, cache.batch.top_k, rng);
  Matrix<float> dx = random_matrix<float>(tokens, model.hidden_size, rng);
  const DeviceCopy on_x(device, x);
  const DeviceCopy on_dx(device, dx);
  const DeviceCopy on_d_weights(device, d_weights);
  RouterWeights<float> on_gradient = one.gradient.blocks[0].moe.router;
  RouterWeights<float>& gradient = one.gradient.blocks[0].moe.router;
  const RouterBackward<float> backward{weights, config, context, one.processor, 0.5};
  backward.run(x, cache, d_weights, gradient, dx);

  DeviceRouterCache on_cache;
  DeviceRouterScratch scratch;
  const DeviceRouter router{weights, config, context, one.pass};
  router.forward(on_x.data(), tokens, on_cache);
  router.fetch(on_cache);
  router.backward(on_x.data(), on_cache, {on_d_weights.data(), on_dx.data(), &on_gradient, 0.5},
                  scratch);
  EXPECT_EQ(on_cache.host.batch, cache.batch);
  EXPECT_EQ(on_cache.host.load, cache.load);
  EXPECT_EQ(on_cache.host.loss, cache.loss);
  ASSERT_EQ(on_cache.host.losses.size(), cache.losses.size());
  for (std::size_t i = 0; i < cache.losses.size(); ++i) {
    EXPECT_EQ(on_cache.host.losses[i].name, cache.losses[i].name);
    EXPECT_EQ(on_cache.host.losses[i].value, cache.losses[i].value);
  }
  EXPECT_EQ(on_dx.matrix(), dx);
  one.expect_same_gradient(weights.gate, gradient.gate);
  one.expect_same_gradient(weights.noise, gradient.noise);
  one.expect_same_gradient(weights.group_gate, gradient.group_gate);
}

void expect_same(const RouterConfig& config) {
  on_each_device([&](Device& device) {
    for (const int tokens : {1, 63, 64, 65, 127, 128, 129}) {
      expect_same_router(device, config, tokens);
    }
  });
}

RouterConfig all_losses(ScoreFunction score, RoutingWeights weights) {
  RouterConfig config;
  config.num_experts = 18;
  config.top_k = 3;
  config.score_function = score;
  config.weights = weights;
  config.routed_scaling_factor = 2;
  config.capacity_factor = 0.8;
  config.renormalise_after_drop = weights == RoutingWeights::renormalised;
  config.balance = {.aux_loss_coef = 0.1,
                    .seq_aux_loss_coef = 0.2,
                    .variance_loss_coef = 0.3,
                    .z_loss_coef = 0.4};
  return config;
}

TEST(DeviceRouter, OfSoftmaxScores) {
  expect_same(all_losses(ScoreFunction::softmax, RoutingWeights::renormalised));
  expect_same(all_losses(ScoreFunction::softmax, RoutingWeights::as_is));
}

TEST(DeviceRouter, OfSigmoidScores) {
  expect_same(all_losses(ScoreFunction::sigmoid, RoutingWeights::renormalised));
  expect_same(all_losses(ScoreFunction::sigmoid, RoutingWeights::softmax_selected));
}

// The losses count the choices before pairs went elsewhere.
TEST(DeviceRouter, SendsPairsToTheNextBest) {
  RouterConfig config = all_losses(ScoreFunction::sigmoid, RoutingWeights::renormalised);
  config.overflow = OverflowPolicy::next_best;
  config.capacity_factor = 1;
  expect_same(config);
}

TEST(DeviceRouter, WithoutLosses) {
  RouterConfig config;
  config.balance.aux_loss_coef = 0;
  expect_same(config);
}

// The gate's weights are integers that bf16 does not hold (257 takes nine bits), its sums exact in
// any order: equal logits, and so the processor's decision.
TEST(DeviceRouter, RoundsNothingInMixedPrecision) {
  on_each_device([](Device& device) {
    device.use_products(ProductMode::bf16);
    constexpr int kTokens = 65;
    DeviceModel one(device, small_model());
    RouterWeights<float>& weights = one.weights.blocks[0].moe.router;
    base::Rng rng(1, "integers");
    for (Index i = 0; i < weights.gate.size(); ++i) {
      weights.gate.data()[i] = static_cast<float>(rng.below(600)) - 300.0F;
    }
    one.parameters.upload(weights.gate);
    one.parameters.round();
    Matrix<float> x(kTokens, weights.gate.cols());
    for (Index i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(rng.below(9)) / 256.0F;
    const std::vector<std::uint8_t> bytes = random_bytes(kTokens).inputs;
    const TokenContext context{bytes, 50, 0};
    const RouterConfig& config = one.config.router;
    RouterCache<float> cache;
    route(RouterRun<float>{weights, config, context, one.processor}, x, cache);
    const DeviceCopy on_x(device, x);
    DeviceRouterCache on_cache;
    const DeviceRouter router{weights, config, context, one.pass};
    router.forward(on_x.data(), kTokens, on_cache);
    router.fetch(on_cache);
    EXPECT_EQ(on_cache.host.batch, cache.batch);
  });
}

// Losses of the summed weights have no kernel.
TEST(DeviceRouter, OfTheProcessor) {
  RouterConfig config;
  config.balance.importance_loss_coef = 0.1;
  expect_same(config);
}

}  // namespace
}  // namespace moesim::model::cuda
