// SPDX-License-Identifier: Apache-2.0
// What a pass on the device runs with, and its small layers: products, dropout, sums, linear layers
// and normalisation. Rows lie one after another, without gaps; every result is the processor's.
#pragma once

#include <string_view>

#include "model/cuda/device_parameters.h"
#include "model/cuda/kernels/elements.h"
#include "model/cuda/kernels/multiply.h"
#include "model/layers/layer_norm.h"
#include "model/layers/linear.h"
#include "model/pass.h"

namespace moesim::model::cuda {

struct DevicePass {
  Device& device;
  const DeviceParameters& parameters;
  const Pass<float>& host;  // says what is drawn and added, and computes what has no kernel
};

// One product; m, n and k may be 0.
void multiply(const DevicePass& pass, const DeviceProduct& product);

// The dropout's factors on the device.
DropoutRule dropout_rule(const DevicePass& pass, std::string_view name, double rate);
// Multiplies rows, [tokens, width], by them.
void apply_dropout(const DevicePass& pass, const DropoutRule& dropout, std::int64_t elements,
                   float* rows);
void add_elements(const DevicePass& pass, const float* from, std::int64_t elements, float* to);

struct DeviceLinear {
  const LinearWeights<float>& weights;
  const DevicePass& pass;

  // x, [tokens, in] -> y, [tokens, out].
  void forward(const float* x, std::int64_t tokens, float* y) const;
  // Writes dx, and writes or adds to (as the pass says) the gradient.
  void backward(const float* x, const float* dy, std::int64_t tokens, float* dx) const;
};

struct DeviceNormCache {
  Buffer<float> normalised;         // [tokens, width]
  Buffer<float> inverse_deviation;  // [tokens]
};

struct DeviceNorm {
  const LayerNormWeights<float>& weights;
  const DevicePass& pass;

  void forward(const float* x, std::int64_t tokens, DeviceNormCache& cache, float* y) const;
  // Adds to dx. `scratch` is room.
  void backward(const DeviceNormCache& cache, const float* dy, float* dx,
                Buffer<float>& scratch) const;
};

}  // namespace moesim::model::cuda
