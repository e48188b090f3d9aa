// SPDX-License-Identifier: Apache-2.0
// A MoE-GPT whose layers a test runs on the processor and on a device: the same weights on both,
// and what compares the two, bit for bit but that 0 equals -0.
#pragma once

#include <gtest/gtest.h>

#include <limits>

#include "model/cuda/device_layers.h"
#include "tests/model/layers/small_model.h"
#include "tests/support/numerics.h"

namespace moesim::testing {

struct DeviceModel {
  DeviceModel(model::cuda::Device& on, const model::MoeGptConfig& of, bool adds = false)
      : device(on),
        config(of),
        weights(shaken_weights<float>(of, 3)),
        gradient(model::zero_gradient(weights)),
        host(1),
        processor{*host.backend, host.threads, true, 11, adds},
        parameters(on, weights),
        pass{on, parameters, processor, room} {
    // What is not written shows as NaN; what is added to begins at 0.5 on both sides.
    const float begin = adds ? 0.5F : std::numeric_limits<float>::quiet_NaN();
    for (const model::Parameter<float>& parameter : model::parameters(gradient)) {
      parameter.matrix->setConstant(begin);
    }
    for (const model::Parameter<float>& parameter : model::parameters(weights)) {
      const model::Matrix<float>& weight = *parameter.matrix;
      parameters.upload_gradient(
          weight, model::Matrix<float>::Constant(weight.rows(), weight.cols(), begin));
    }
  }

  // The device's gradient of a weight against the processor's, a part of `gradient`.
  void expect_same_gradient(const model::Matrix<float>& weight,
                            const model::Matrix<float>& expected) const {
    if (weight.size() == 0) return;
    model::Matrix<float> actual(weight.rows(), weight.cols());
    device.download(parameters.gradient(weight), actual.data(),
                    static_cast<std::size_t>(actual.size()) * sizeof(float));
    EXPECT_EQ(actual, expected);
  }

  model::cuda::Device& device;
  const model::MoeGptConfig config;
  model::MoeGptWeights<float> weights;
  model::MoeGptWeights<float> gradient;  // the processor's
  OwnedPass<float> host;
  const model::Pass<float> processor;
  model::cuda::DeviceParameters parameters;
  model::cuda::Bf16Room room;
  const model::cuda::DevicePass pass;
};

// A matrix on the device.
class DeviceCopy {
 public:
  DeviceCopy(model::cuda::Device& device, const model::Matrix<float>& matrix)
      : rows_(matrix.rows()), columns_(matrix.cols()) {
    buffer_.upload(device, matrix.data(), static_cast<std::size_t>(matrix.size()));
  }
  // Of undefined content, which shows as NaN on an emulated device.
  DeviceCopy(model::cuda::Device& device, model::Index rows, model::Index columns)
      : rows_(rows), columns_(columns) {
    buffer_.reserve(device, static_cast<std::size_t>(rows * columns));
  }

  float* data() const { return buffer_.data(); }
  model::Matrix<float> matrix() const {
    model::Matrix<float> matrix(rows_, columns_);
    buffer_.download(matrix.data());
    return matrix;
  }

 private:
  model::Index rows_;
  model::Index columns_;
  model::cuda::Buffer<float> buffer_;
};

}  // namespace moesim::testing
