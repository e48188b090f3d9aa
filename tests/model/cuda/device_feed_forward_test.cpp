// SPDX-License-Identifier: Apache-2.0
// The processor's network on the same rows is the reference: bit for bit where products are
// computed in order, within bf16's rounding in mixed precision (weights and rows, which are not
// rounded there, add two of 2^-9 to those of device_bf16_experts_test.cpp: 1e-2 in the norm).
#include "model/cuda/device_feed_forward.h"

#include <gtest/gtest.h>

#include "model/layers/transformer_block.h"
#include "tests/support/device_model.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::DeviceCopy;
using moesim::testing::DeviceModel;
using moesim::testing::on_each_device;
using moesim::testing::random_matrix;
using moesim::testing::small_model;

void expect_network(Device& device, bool adds) {
  const bool is_bf16 = device.products() == ProductMode::bf16;
  MoeGptConfig config = small_model();
  config.first_k_dense_replace = 1;
  DeviceModel one(device, config);
  one.parameters.round();
  const ExpertShape shape = block_shape(config, 0).dense;
  const ExpertWeights<float>& weights = one.weights.blocks[0].dense;
  ExpertWeights<float>& gradient = one.gradient.blocks[0].dense;
  constexpr Index kRows = 70;
  base::Rng rng(1, "rows");
  const Matrix<float> x = random_matrix<float>(kRows, shape.hidden, rng);
  const Matrix<float> dy = random_matrix<float>(kRows, shape.hidden, rng);
  Matrix<float> dx = random_matrix<float>(kRows, shape.hidden, rng);
  const DeviceCopy on_x(device, x);
  const DeviceCopy on_dy(device, dy);
  const DeviceCopy on_dx(device, dx);
  const DeviceCopy on_y(device, kRows, shape.hidden);
  Matrix<float> y;
  ExpertCache<float> cache;
  const std::vector<Index> first_row = {0, kRows};
  const Experts<float> processor{weights, shape, one.processor};
  processor.forward(first_row, x, cache, y);
  processor.backward(x, {.d_output = dy, .d_input = dx, .add_to_d_input = adds}, cache, gradient);
  DeviceFeedForwardCache on_cache;
  const DeviceFeedForward network{weights, shape, one.pass};
  network.forward(on_x.data(), kRows, on_cache, on_y.data());
  network.backward(on_x.data(), on_dy.data(), on_cache, on_dx.data(), adds);
  if (!is_bf16) {
    EXPECT_EQ(on_y.matrix(), y);
    EXPECT_EQ(on_dx.matrix(), dx);
    one.expect_same_gradient(weights.up, gradient.up);
    return;
  }
  constexpr float kTolerance = 1e-2F;
  EXPECT_LE((on_y.matrix() - y).norm(), kTolerance * y.norm());
  EXPECT_LE((on_dx.matrix() - dx).norm(), kTolerance * dx.norm());
  Matrix<float> on_gradient(gradient.up.rows(), gradient.up.cols());
  device.download(one.parameters.gradient(weights.up), on_gradient.data(),
                  static_cast<std::size_t>(on_gradient.size()) * sizeof(float));
  EXPECT_LE((on_gradient - gradient.up).norm(), kTolerance * gradient.up.norm());
}

TEST(DeviceFeedForward, IsTheProcessors) {
  on_each_device([](Device& device) {
    expect_network(device, false);
    expect_network(device, true);
  });
}

TEST(DeviceFeedForward, IsNearTheProcessorsInMixedPrecision) {
  on_each_device([](Device& device) {
    device.use_products(ProductMode::bf16);
    expect_network(device, false);
    expect_network(device, true);
  });
}

}  // namespace
}  // namespace moesim::model::cuda
