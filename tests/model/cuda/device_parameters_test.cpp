// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_parameters.h"

#include <gtest/gtest.h>

#include "base/check.h"
#include "tests/model/layers/small_model.h"
#include "tests/model/train/small_training.h"
#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::on_each_device;
using moesim::testing::shaken_weights;
using moesim::testing::small_model;

// Of 3, 64 and 65 elements: each begins at a multiple of 64.
TEST(ParameterLayout, AlignsParametersAndLeavesOutTheUntrained) {
  Matrix<float> three(1, 3);
  Matrix<float> row(1, 64);
  Matrix<float> more(5, 13);
  std::vector<Parameter<float>> list = {
      moesim::testing::parameter_of(three), moesim::testing::parameter_of(row),
      moesim::testing::parameter_of(row), moesim::testing::parameter_of(more)};
  list[1].trained = false;
  const ParameterLayout layout(list);
  EXPECT_EQ(layout.first, (std::vector<std::int64_t>{0, 64, 128}));
  EXPECT_EQ(layout.size, 256);
}

TEST(DeviceParameters, ComeBackAsTheyWere) {
  on_each_device([](Device& device) {
    MoeGptConfig config = small_model();
    config.router.balance.bias_update_rate = 0.1;  // selection biases, which are not trained
    MoeGptWeights<float> weights = shaken_weights<float>(config, 1);
    const MoeGptWeights<float> kept = weights;
    const DeviceParameters on_device(device, weights);
    for (const Parameter<float>& parameter : parameters(weights)) parameter.matrix->setZero();
    on_device.download();
    moesim::testing::expect_same_weights(kept, weights);
  });
}

// A copy is of the values when it was made, where they lie.
TEST(DeviceParameters, HaveCopiesInBf16) {
  on_each_device([](Device& device) {
    MoeGptWeights<float> weights = shaken_weights<float>(small_model(), 1);
    DeviceParameters on_device(device, weights);
    Matrix<float>& matrix = weights.blocks[1].moe.experts.down;
    const float* const value = on_device.value(matrix);
    EXPECT_THROW(on_device.rounded(value), base::InvariantViolation);
    EXPECT_EQ(on_device.rounded(on_device.gradient(matrix)), nullptr);
    on_device.round();
    const Matrix<float> kept = matrix;
    matrix.setZero();
    on_device.upload(matrix);
    std::vector<Bf16> copy(static_cast<std::size_t>(kept.size()));
    device.download(on_device.rounded(value), copy.data(), copy.size() * sizeof(Bf16));
    for (std::size_t i = 0; i < copy.size(); ++i) {
      EXPECT_EQ(copy[i].bits, to_bf16(kept.data()[i]).bits) << i;
    }
  });
}

TEST(DeviceParameters, HaveNoPlaceForEmptyMatrices) {
  on_each_device([](Device& device) {
    MoeGptWeights<float> weights = shaken_weights<float>(small_model(), 1);
    const DeviceParameters on_device(device, weights);
    EXPECT_EQ(on_device.value(weights.head), nullptr);
    EXPECT_NE(on_device.value(weights.embedding.token), nullptr);
    EXPECT_NE(on_device.gradient(weights.embedding.token),
              on_device.value(weights.embedding.token));
  });
}

}  // namespace
}  // namespace moesim::model::cuda
