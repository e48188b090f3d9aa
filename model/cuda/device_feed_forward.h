// SPDX-License-Identifier: Apache-2.0
// A feed-forward network that every row passes: a stack of one expert. The shared experts of a MoE
// layer, and a dense layer.
#pragma once

#include "model/cuda/device_bf16_experts.h"

namespace moesim::model::cuda {

struct DeviceFeedForwardCache {
  Buffer<std::int32_t> first_row;  // {0, rows}
  std::int64_t rows = 0;
  DeviceExpertCache experts;
  DeviceBf16ExpertCache rounded;  // of mixed precision
};

struct DeviceFeedForward {
  const ExpertWeights<float>& weights;
  const ExpertShape& shape;
  const DevicePass& pass;

  // x, [rows, hidden] -> y, [rows, hidden].
  void forward(const float* x, std::int64_t rows, DeviceFeedForwardCache& cache, float* y) const;
  // Writes dx, or adds to it, from the gradient of y; writes or adds to (as the pass says) that of
  // the weights. Uses the cache up.
  void backward(const float* x, const float* dy, DeviceFeedForwardCache& cache, float* dx,
                bool add_to_dx) const;
};

}  // namespace moesim::model::cuda
