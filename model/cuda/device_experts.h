// SPDX-License-Identifier: Apache-2.0
// A stack of experts on the device: Experts of model/layers/expert.h, bit for bit. How many rows an
// expert has only the device knows; the host knows how many all have at most.
#pragma once

#include "model/cuda/device_layers.h"
#include "model/cuda/kernels/activate_rows.h"
#include "model/layers/expert.h"

namespace moesim::model::cuda {

struct DeviceExpertCache {
  Buffer<float> gate;       // before the activation function; of size 0 when plain
  Buffer<float> up;         // before the activation function when plain
  Buffer<float> activated;  // after it
  Buffer<ExpertSpan> spans;
  Buffer<std::int64_t> first_unit;  // [experts + 1]
  Buffer<DeviceProduct> products;
  Buffer<std::int64_t> first_tile;
  Buffer<float> ones;  // [most rows], of the biases' gradients
};

// The rows of all experts, expert after expert.
struct DeviceRows {
  const std::int32_t* first_row = nullptr;  // [experts + 1], on the device
  std::int64_t most = 0;                    // of them all, that there can be
};

struct DeviceExpertGradients {
  const float* d_output = nullptr;  // [rows, hidden], of each row's output times its weight
  float* d_input = nullptr;         // [rows, hidden]; may be d_output
  bool add_to_d_input = false;
  const float* weights = nullptr;  // [rows]; null: 1 each
  float* d_weights = nullptr;      // [rows]; null: not asked for
};

struct DeviceExperts {
  const ExpertWeights<float>& weights;
  const ExpertShape& shape;
  const DevicePass& pass;

  // input, [rows, hidden] -> output, [rows, hidden].
  void forward(const DeviceRows& rows, const float* input, DeviceExpertCache& cache,
               float* output) const;
  // Writes or adds to (as the pass says) the gradient: zero where an expert has no rows. Uses the
  // cache up.
  void backward(const DeviceRows& rows, const float* input, const DeviceExpertGradients& gradients,
                DeviceExpertCache& cache) const;
};

}  // namespace moesim::model::cuda
