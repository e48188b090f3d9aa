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

// Room of mixed precision, which one product, and one layer, after another uses.
struct Bf16Room {
  Buffer<Bf16> a;                 // a product's operands; the experts' input
  Buffer<Bf16> b;                 // and the gradient of their output, [tokens, hidden]
  Buffer<Bf16> activated;         // [rows, units rounded up to 8]
  Buffer<Bf16> output;            // [rows, hidden]
  Buffer<float> weight_pieces;    // [rows, ...] of the gradients of the rows' weights
  Buffer<std::int32_t> token_of;  // [rows]
};

struct DevicePass {
  Device& device;
  const DeviceParameters& parameters;
  const Pass<float>& host;  // says what is drawn and added, and computes what has no kernel
  Bf16Room& room;

  // Mixed precision: the parameters' copies in bf16 are up to date.
  bool is_bf16() const { return device.products() == ProductMode::bf16; }
};

// One product; m, n and k may be 0.
void multiply(const DevicePass& pass, const DeviceProduct& product);
// The same, but that mixed precision does not round its operands: the gate's.
void multiply_unrounded(const DevicePass& pass, const DeviceProduct& product);

// A copy in bf16 of rows that lie one after another.
const Bf16* rounded_rows(const DevicePass& pass, const float* rows, std::int64_t elements,
                         Buffer<Bf16>& room);

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
