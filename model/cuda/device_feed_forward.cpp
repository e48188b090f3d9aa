// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_feed_forward.h"

namespace moesim::model::cuda {

void DeviceFeedForward::forward(const float* x, std::int64_t rows, DeviceFeedForwardCache& cache,
                                float* y) const {
  Device& device = pass.device;
  if (cache.first_row.size() == 0 || cache.rows != rows) {  // a copy up stops the host
    cache.first_row.upload(device, std::vector<std::int32_t>{0, static_cast<std::int32_t>(rows)});
    cache.rows = rows;
  }
  const DeviceRows all{cache.first_row.data(), rows};
  if (!pass.is_bf16()) {
    return DeviceExperts{weights, shape, pass}.forward(all, x, cache.experts, y);
  }
  Bf16ExpertOutput output;
  output.floats = y;
  const Bf16Rows input{rounded_rows(pass, x, rows * shape.hidden, pass.room.a)};
  DeviceBf16Experts{weights, shape, pass}.forward(all, input, cache.rounded, output);
}

void DeviceFeedForward::backward(const float* x, const float* dy, DeviceFeedForwardCache& cache,
                                 float* dx, bool add_to_dx) const {
  const DeviceRows all{cache.first_row.data(), cache.rows};
  if (!pass.is_bf16()) {
    const DeviceExpertGradients gradients{dy, dx, add_to_dx};
    return DeviceExperts{weights, shape, pass}.backward(all, x, gradients, cache.experts);
  }
  const std::int64_t elements = cache.rows * shape.hidden;
  const Bf16Rows input{rounded_rows(pass, x, elements, pass.room.a)};
  DeviceBf16Gradients gradients;
  gradients.d_output = {rounded_rows(pass, dy, elements, pass.room.b)};
  gradients.d_input.floats = dx;
  gradients.d_input.accumulate = add_to_dx;
  DeviceBf16Experts{weights, shape, pass}.backward(all, input, gradients, cache.rounded);
}

}  // namespace moesim::model::cuda
