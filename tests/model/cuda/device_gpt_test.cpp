// SPDX-License-Identifier: Apache-2.0
// The processor's MoE-GPT is the reference: loss, routing and the whole gradient bit for bit.
#include "model/cuda/device_gpt.h"

#include <gtest/gtest.h>

#include "tests/support/device_model.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::DeviceModel;
using moesim::testing::on_each_device;
using moesim::testing::random_bytes;
using moesim::testing::small_model;

void expect_same_pass(Device& device, const MoeGptConfig& config, int tokens, bool adds) {
  SCOPED_TRACE(std::to_string(tokens) + " tokens");
  DeviceModel one(device, config, adds);
  const moesim::testing::Bytes bytes = random_bytes(tokens);
  MoeGptCache<float> cache;
  const MoeGptLoss expected =
      moe_gpt_loss(one.weights, config, one.processor, bytes.batch(), cache);
  MoeGptBackward<float>{one.weights, config, one.processor, bytes.batch(), 0.25}.run(cache,
                                                                                     one.gradient);
  DeviceGptCache on_cache;
  const DeviceGpt gpt{one.weights, config, one.pass};
  const MoeGptLoss loss = gpt.forward(bytes.batch(), on_cache);
  gpt.backward(bytes.batch(), 0.25, on_cache);
  EXPECT_EQ(loss.cross_entropy, expected.cross_entropy);
  EXPECT_EQ(loss.balance, expected.balance);
  const auto gradients = parameters(one.gradient);
  const auto weights = parameters(one.weights);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    SCOPED_TRACE(weights[i].name);
    one.expect_same_gradient(*weights[i].matrix, *gradients[i].matrix);
  }
  EXPECT_EQ(gpt.route(bytes.inputs, on_cache),
            route_bytes(one.weights, config, one.processor, bytes.inputs));
}

// The last sequence is shorter in all but the first.
TEST(DeviceGpt, ComputesTheLossAndItsGradient) {
  on_each_device([](Device& device) {
    for (const int tokens : {5, 1, 13, 64, 129}) {
      expect_same_pass(device, small_model(), tokens, false);
    }
  });
}

TEST(DeviceGpt, AddsToTheGradientOfAnUntiedHead) {
  on_each_device([](Device& device) {
    MoeGptConfig config = small_model();
    config.tie_word_embeddings = false;
    expect_same_pass(device, config, 13, true);
  });
}

// The last block is dense, so that only the first two are asked for their routing.
TEST(DeviceGpt, MixesDenseBlocksIn) {
  on_each_device([](Device& device) {
    MoeGptConfig config = small_model();
    config.num_hidden_layers = 4;
    config.moe_layer_freq = 2;
    config.embedding_dropout = 0.1;
    expect_same_pass(device, config, 13, false);
  });
}

}  // namespace
}  // namespace moesim::model::cuda
