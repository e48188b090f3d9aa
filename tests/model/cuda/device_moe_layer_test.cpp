// SPDX-License-Identifier: Apache-2.0
// The processor's MoE layer is the reference, bit for bit.
#include "model/cuda/device_moe_layer.h"

#include <gtest/gtest.h>

#include "model/layers/transformer_block.h"
#include "tests/support/device_model.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::DeviceCopy;
using moesim::testing::DeviceModel;
using moesim::testing::LayerRows;
using moesim::testing::on_each_device;
using moesim::testing::random_matrix;
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

float nearest(float value) { return to_float(to_bf16(value)); }

template <class W>
MoeLayerWeights<double> in_double(const W& weights) {
  MoeLayerWeights<double> result;
  result.router.gate = weights.router.gate.template cast<double>();
  const auto cast = [](const Matrix<float>& from, Matrix<double>& to) { to = from.cast<double>(); };
  for_each_matrix(weights.experts, result.experts, cast);
  for_each_matrix(weights.shared, result.shared, cast);
  return result;
}

// The layer in double precision on rows and experts' weights that bf16 holds. Its decision is the
// device's, since the gate is not rounded. Roundings of 2^-9, a few one after another, of many
// values: 4e-3 in the norm; of a single token's few, twice as much.
void expect_near_layer(Device& device, const MoeGptConfig& config, int tokens) {
  SCOPED_TRACE(std::to_string(tokens) + " tokens");
  device.use_products(ProductMode::bf16);
  base::Rng rng(1, "rows");
  DeviceModel one(device, config);
  one.parameters.round();
  MoeLayerWeights<float>& weights = one.weights.blocks[0].moe;
  for (ExpertWeights<float>* const experts : {&weights.experts, &weights.shared}) {
    for_each_matrix(*experts, [](Matrix<float>& matrix) { matrix = matrix.unaryExpr(&nearest); });
  }
  const MoeLayerShape shape = block_shape(config, 0).moe;
  const TokenContext context{{}, config.seq_length, 0};
  const Matrix<float> x = random_matrix<float>(tokens, config.hidden_size, rng).unaryExpr(&nearest);
  const Matrix<float> dy =
      random_matrix<float>(tokens, config.hidden_size, rng).unaryExpr(&nearest);
  const moesim::testing::OwnedPass<double> owned;
  const Pass<double> pass{*owned.backend, owned.pass.threads, true, 11};
  const MoeLayerWeights<double> doubles = in_double(weights);
  MoeLayerWeights<double> gradient = doubles;
  MoeLayerCache<double> cache;
  Matrix<double> y;
  Matrix<double> dx;
  const MoeLayer<double> processor{doubles, shape, context, pass};
  processor.forward(x.cast<double>(), cache, y);
  processor.backward(x.cast<double>(), cache, dy.cast<double>(), gradient, dx);
  const DeviceCopy on_x(device, x);
  const DeviceCopy on_dy(device, dy);
  const DeviceCopy on_y(device, tokens, config.hidden_size);
  const DeviceCopy on_dx(device, tokens, config.hidden_size);
  DeviceMoeCache on_cache;
  DeviceMoeScratch scratch;
  const DeviceMoeLayer layer{weights, shape, context, one.pass};
  layer.forward(on_x.data(), tokens, on_cache, scratch, on_y.data());
  layer.router().fetch(on_cache.router);
  layer.backward(on_x.data(), on_cache, {on_dy.data(), on_dx.data(), nullptr, 1}, scratch);
  ASSERT_EQ(on_cache.router.host.batch.experts, cache.router.batch.experts);
  const auto expect_near = [&](const Matrix<float>& actual, const Matrix<double>& expected) {
    const double tolerance = tokens == 1 ? 8e-3 : 4e-3;
    EXPECT_LE((actual.cast<double>() - expected).norm(), tolerance * expected.norm());
  };
  expect_near(on_y.matrix(), y);
  expect_near(on_dx.matrix(), dx);
  const auto expect_gradient = [&](const Matrix<float>& weight, const Matrix<double>& expected) {
    Matrix<float> actual(weight.rows(), weight.cols());
    device.download(one.parameters.gradient(weight), actual.data(),
                    static_cast<std::size_t>(actual.size()) * sizeof(float));
    expect_near(actual, expected);
  };
  expect_gradient(weights.router.gate, gradient.router.gate);
  expect_gradient(weights.experts.gate, gradient.experts.gate);
  expect_gradient(weights.experts.down, gradient.experts.down);
  if (shape.shared.count() > 0) expect_gradient(weights.shared.up, gradient.shared.up);
}

TEST(DeviceMoeLayer, IsNearDoublePrecisionInMixedPrecision) {
  on_each_device([](Device& device) {
    MoeGptConfig config = small_model();
    config.hidden_size = 64;
    config.moe_intermediate_size = 40;
    for (const int tokens : {1, 63, 64, 65, 127, 128, 129}) {
      expect_near_layer(device, config, tokens);
    }
    config.n_shared_experts = 2;
    config.router.capacity_factor = 0.5;
    expect_near_layer(device, config, 65);
  });
}

}  // namespace
}  // namespace moesim::model::cuda
