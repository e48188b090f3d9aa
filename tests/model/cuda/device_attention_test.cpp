// SPDX-License-Identifier: Apache-2.0
// The processor's attention is the reference, bit for bit.
#include "model/cuda/device_attention.h"

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

void expect_same_attention(Device& device, const MoeGptConfig& config, int tokens, bool adds) {
  SCOPED_TRACE(std::to_string(config.seq_length) + " a sequence, tokens " + std::to_string(tokens));
  base::Rng rng(1, "rows");
  DeviceModel one(device, config, adds);
  const AttentionShape shape = block_shape(config, 0).attention;
  const AttentionWeights<float>& weights = one.weights.blocks[0].attention;
  AttentionWeights<float>& gradient = one.gradient.blocks[0].attention;
  LayerRows rows(device, tokens, config.hidden_size, config.hidden_size, rng);
  AttentionCache<float> cache;
  const Attention<float> processor{weights, shape, one.processor};
  processor.forward(rows.x, cache, rows.y);
  processor.backward(rows.x, cache, rows.dy, gradient, rows.dx);
  DeviceAttentionCache on_cache;
  DeviceAttentionScratch scratch;
  const DeviceAttention attention{weights, shape, one.pass};
  attention.forward(rows.on_x.data(), tokens, on_cache, rows.on_y.data());
  attention.backward(rows.on_x.data(), on_cache, rows.on_dy.data(), scratch, rows.on_dx.data());
  rows.expect_same();
  one.expect_same_gradient(weights.query_key_value.weight, gradient.query_key_value.weight);
  one.expect_same_gradient(weights.query_key_value.bias, gradient.query_key_value.bias);
  one.expect_same_gradient(weights.output.weight, gradient.output.weight);
}

// The pieces of 32 queries that a key's gradient is summed by, whole and not.
TEST(DeviceAttention, AttendsWithinSequencesOfAnyLength) {
  on_each_device([](Device& device) {
    for (const int length : {1, 2, 31, 33, 64, 65, 129}) {
      MoeGptConfig config = small_model();
      config.seq_length = length;
      expect_same_attention(device, config, length, false);
      expect_same_attention(device, config, 2 * length + (length + 1) / 2, true);
    }
  });
}

// Four query heads of 10 columns share two key heads.
TEST(DeviceAttention, SharesKeyHeads) {
  on_each_device([](Device& device) {
    MoeGptConfig config = small_model();
    config.hidden_size = 40;
    config.num_attention_heads = 4;
    config.num_key_value_heads = 2;
    config.seq_length = 40;
    config.attention_dropout = 0.25;
    expect_same_attention(device, config, 57, false);
  });
}

}  // namespace
}  // namespace moesim::model::cuda
