// SPDX-License-Identifier: Apache-2.0
// The processor's MoE layer is the reference, bit for bit.
#include "model/cuda/device_moe_layer.h"

#include <gtest/gtest.h>

#include "model/layers/transformer_block.h"
#include "tests/support/device_model.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::DeviceModel;
using moesim::testing::LayerRows;
using moesim::testing::on_each_device;
using moesim::testing::small_model;

void expect_same_layer(Device& device, const MoeGptConfig& config, int tokens) {
  SCOPED_TRACE(std::to_string(tokens) + " tokens");
  base::Rng rng(1, "rows");
  DeviceModel one(device, config);
  const MoeLayerShape shape = block_shape(config, 0).moe;
  const MoeLayerWeights<float>& weights = one.weights.blocks[0].moe;
  MoeLayerWeights<float>& gradient = one.gradient.blocks[0].moe;
  const TokenContext context{{}, config.seq_length, 0};
  LayerRows rows(device, tokens, config.hidden_size, config.hidden_size, rng);
  MoeLayerCache<float> cache;
  const MoeLayer<float> processor{weights, shape, context, one.processor, 0.5};
  processor.forward(rows.x, cache, rows.y);
  processor.backward(rows.x, cache, rows.dy, gradient, rows.dx);
  DeviceMoeCache on_cache;
  DeviceMoeScratch scratch;
  const DeviceMoeLayer layer{weights, shape, context, one.pass};
  layer.forward(rows.on_x.data(), tokens, on_cache, scratch, rows.on_y.data());
  layer.router().fetch(on_cache.router);
  layer.backward(rows.on_x.data(), on_cache, {rows.on_dy.data(), rows.on_dx.data(), nullptr, 0.5},
                 scratch);
  rows.expect_same();
  one.expect_same_gradient(weights.router.gate, gradient.router.gate);
  one.expect_same_gradient(weights.experts.down, gradient.experts.down);
  one.expect_same_gradient(weights.shared.up, gradient.shared.up);
}

TEST(DeviceMoeLayer, DispatchesComputesAndCombines) {
  on_each_device([](Device& device) {
    for (const int tokens : {1, 63, 64, 65, 127, 128, 129}) {
      expect_same_layer(device, small_model(), tokens);
    }
  });
}

// A capacity of one pair an expert drops nearly all; the shared expert still sees every token.
TEST(DeviceMoeLayer, DropsPairsAndSharesAnExpert) {
  on_each_device([](Device& device) {
    MoeGptConfig config = small_model();
    config.n_shared_experts = 2;
    config.router.capacity_factor = 0.01;
    expect_same_layer(device, config, 65);
  });
}

}  // namespace
}  // namespace moesim::model::cuda
