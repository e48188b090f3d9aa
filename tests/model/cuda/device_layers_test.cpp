// SPDX-License-Identifier: Apache-2.0
// The processor's layers are the reference, bit for bit.
#include "model/cuda/device_layers.h"

#include <gtest/gtest.h>

#include "model/layers/dropout.h"
#include "tests/support/device_model.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::DeviceCopy;
using moesim::testing::DeviceModel;
using moesim::testing::kRaggedSizes;
using moesim::testing::on_each_device;
using moesim::testing::random_matrix;
using moesim::testing::small_model;

TEST(DeviceLayers, MultipliesByRaggedWeights) {
  on_each_device([](Device& device) {
    base::Rng rng(1, "rows");
    for (const bool adds : {false, true}) {
      const DeviceModel one(device, small_model(), adds);
      const LinearWeights<float>& weights = one.weights.blocks[0].attention.query_key_value;
      LinearWeights<float> gradient = one.gradient.blocks[0].attention.query_key_value;
      for (const int tokens : {1, 63, 64, 65, 127, 128, 129}) {
        const Matrix<float> x = random_matrix<float>(tokens, 8, rng);
        const Matrix<float> dy = random_matrix<float>(tokens, weights.weight.rows(), rng);
        const DeviceCopy on_x(device, x);
        const DeviceCopy on_dy(device, dy);
        const DeviceCopy on_y(device, tokens, dy.cols());
        const DeviceCopy on_dx(device, tokens, 8);
        Matrix<float> y;
        Matrix<float> dx;
        const Linear<float> processor{weights, one.processor};
        processor.forward(x, y);
        processor.backward(x, dy, gradient, dx);
        const DeviceLinear linear{weights, one.pass};
        linear.forward(on_x.data(), tokens, on_y.data());
        linear.backward(on_x.data(), on_dy.data(), tokens, on_dx.data());
        EXPECT_EQ(on_y.matrix(), y);
        EXPECT_EQ(on_dx.matrix(), dx);
        one.expect_same_gradient(weights.weight, gradient.weight);
        one.expect_same_gradient(weights.bias, gradient.bias);
      }
    }
  });
}

// Every product that the layers ask for, by a library: forward with a bias, and by rows and by
// weights on the way back. Its sums have an order of their own: of at most 129 terms of size 1 they
// differ by less than 129 x 2^-24 x 129.
TEST(DeviceLayers, MultipliesByALibrary) {
  on_each_device([](Device& device) {
    device.use_products(ProductMode::library_fp32);
    base::Rng rng(1, "rows");
    const DeviceModel one(device, small_model(), true);
    const LinearWeights<float>& weights = one.weights.blocks[0].attention.query_key_value;
    LinearWeights<float> gradient = one.gradient.blocks[0].attention.query_key_value;
    const Matrix<float> x = random_matrix<float>(129, 8, rng);
    const Matrix<float> dy = random_matrix<float>(129, weights.weight.rows(), rng);
    const DeviceCopy on_x(device, x);
    const DeviceCopy on_dy(device, dy);
    const DeviceCopy on_y(device, 129, dy.cols());
    const DeviceCopy on_dx(device, 129, 8);
    Matrix<float> y;
    Matrix<float> dx;
    const Linear<float> processor{weights, one.processor};
    processor.forward(x, y);
    processor.backward(x, dy, gradient, dx);
    const DeviceLinear linear{weights, one.pass};
    linear.forward(on_x.data(), 129, on_y.data());
    linear.backward(on_x.data(), on_dy.data(), 129, on_dx.data());
    const float tolerance = 1e-3F;
    EXPECT_LT((on_y.matrix() - y).cwiseAbs().maxCoeff(), tolerance);
    EXPECT_LT((on_dx.matrix() - dx).cwiseAbs().maxCoeff(), tolerance);
    Matrix<float> on_gradient(weights.weight.rows(), weights.weight.cols());
    device.download(one.parameters.gradient(weights.weight), on_gradient.data(),
                    static_cast<std::size_t>(on_gradient.size()) * sizeof(float));
    EXPECT_LT((on_gradient - gradient.weight).cwiseAbs().maxCoeff(), tolerance);
    EXPECT_NE(on_gradient, gradient.weight) << "the library has not been asked";
  });
}

// Rows, weights and gradients are rounded, sums are not: against double on the rounded operands,
// 8 to 129 terms of size 1 differ by less than 129 x 2^-24 x 129.
TEST(DeviceLayers, MultipliesRoundedOperandsInMixedPrecision) {
  const auto rounded = [](const Matrix<float>& matrix) {
    return Matrix<double>(
        matrix.unaryExpr([](float value) { return to_float(to_bf16(value)); }).cast<double>());
  };
  on_each_device([&](Device& device) {
    device.use_products(ProductMode::bf16);
    base::Rng rng(1, "rows");
    DeviceModel one(device, small_model(), true);
    one.parameters.round();
    const LinearWeights<float>& weights = one.weights.blocks[0].attention.query_key_value;
    const Matrix<float> x = random_matrix<float>(129, 8, rng);
    const Matrix<float> dy = random_matrix<float>(129, weights.weight.rows(), rng);
    const DeviceCopy on_x(device, x);
    const DeviceCopy on_dy(device, dy);
    const DeviceCopy on_y(device, 129, dy.cols());
    const DeviceCopy on_dx(device, 129, 8);
    const DeviceLinear linear{weights, one.pass};
    linear.forward(on_x.data(), 129, on_y.data());
    linear.backward(on_x.data(), on_dy.data(), 129, on_dx.data());
    Matrix<float> on_gradient(weights.weight.rows(), weights.weight.cols());
    device.download(one.parameters.gradient(weights.weight), on_gradient.data(),
                    static_cast<std::size_t>(on_gradient.size()) * sizeof(float));
    const Matrix<double> weight = rounded(weights.weight);
    Matrix<double> y = rounded(x) * weight.transpose();
    y.rowwise() += weights.bias.cast<double>().row(0);
    const Matrix<double> gradient = rounded(dy).transpose() * rounded(x);
    const double tolerance = 1e-3;
    EXPECT_LT((on_y.matrix().cast<double>() - y).cwiseAbs().maxCoeff(), tolerance);
    EXPECT_LT((on_dx.matrix().cast<double>() - rounded(dy) * weight).cwiseAbs().maxCoeff(),
              tolerance);
    EXPECT_LT(((on_gradient.cast<double>() - gradient).array() - 0.5).abs().maxCoeff(), tolerance);
  });
}

// Pieces of 32 rows are summed first: 31, 32 and 33 rows, and many.
TEST(DeviceLayers, NormalisesRowsAndBack) {
  on_each_device([](Device& device) {
    base::Rng rng(2, "rows");
    Buffer<float> scratch;
    for (const bool adds : {false, true}) {
      for (const int width : {1, 15, 16, 17, 64, 129}) {
        MoeGptConfig config = small_model();
        config.hidden_size = width;
        config.num_attention_heads = 1;
        for (const int tokens : {1, 31, 32, 33, 129}) {
          DeviceModel one(device, config, adds);
          const LayerNormWeights<float>& weights = one.weights.final_norm;
          const Matrix<float> x = random_matrix<float>(tokens, width, rng);
          const Matrix<float> dy = random_matrix<float>(tokens, width, rng);
          Matrix<float> dx = random_matrix<float>(tokens, width, rng);
          const DeviceCopy on_x(device, x);
          const DeviceCopy on_dy(device, dy);
          const DeviceCopy on_y(device, tokens, width);
          const DeviceCopy on_dx(device, dx);
          LayerNormCache<float> cache;
          Matrix<float> y;
          layer_norm(weights, one.processor, x, cache, y);
          LayerNormBackward<float>{weights, one.processor}.run(cache, dy, one.gradient.final_norm,
                                                               dx);
          DeviceNormCache on_cache;
          const DeviceNorm norm{weights, one.pass};
          norm.forward(on_x.data(), tokens, on_cache, on_y.data());
          norm.backward(on_cache, on_dy.data(), on_dx.data(), scratch);
          EXPECT_EQ(on_y.matrix(), y);
          EXPECT_EQ(on_dx.matrix(), dx);
          one.expect_same_gradient(weights.gain, one.gradient.final_norm.gain);
          one.expect_same_gradient(weights.bias, one.gradient.final_norm.bias);
        }
      }
    }
  });
}

TEST(DeviceLayers, DropsTheSameElements) {
  on_each_device([](Device& device) {
    base::Rng rng(3, "rows");
    const DeviceModel one(device, small_model());
    for (const int tokens : kRaggedSizes) {
      Matrix<float> rows = random_matrix<float>(tokens, 5, rng);
      const DeviceCopy on_rows(device, rows);
      model::apply_dropout(one.processor, "layer 1", 0.3, rows);
      apply_dropout(one.pass, dropout_rule(one.pass, "layer 1", 0.3), rows.size(), on_rows.data());
      EXPECT_EQ(on_rows.matrix(), rows);
    }
  });
}

TEST(DeviceLayers, AddsElements) {
  on_each_device([](Device& device) {
    base::Rng rng(4, "rows");
    const DeviceModel one(device, small_model());
    for (const int size : kRaggedSizes) {
      const Matrix<float> from = random_matrix<float>(1, size, rng);
      const Matrix<float> to = random_matrix<float>(1, size, rng);
      const DeviceCopy on_from(device, from);
      const DeviceCopy on_to(device, to);
      add_elements(one.pass, on_from.data(), size, on_to.data());
      EXPECT_EQ(on_to.matrix(), to + from);
    }
  });
}

}  // namespace
}  // namespace moesim::model::cuda
