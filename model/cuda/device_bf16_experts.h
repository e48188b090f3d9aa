// SPDX-License-Identifier: Apache-2.0
// A stack of experts in mixed precision: Experts of model/layers/expert.h by the grouped products
// in bf16 (Device::grouped()), one launch for all experts that have as many units. Operands are
// bf16, sums fp32; values before the function, activations and their gradients are rounded once.
// Weights are read from their copies in bf16 (DeviceParameters::round), biases and gradients of
// weights are fp32.
#pragma once

#include "model/cuda/device_experts.h"
#include "model/cuda/gemm/grouped_multiplier.h"
#include "model/cuda/kernels/grouped_sums.h"

namespace moesim::model::cuda {

// What the way back reads; lines of [most rows, units rounded up to 8].
struct DeviceBf16ExpertCache {
  Buffer<Bf16> gate;  // before the function, then its gradient; of size 0 when plain
  Buffer<Bf16> up;    // the same; before the function when plain
};

// Where rows of experts go: one of the two, [rows, hidden].
struct Bf16ExpertOutput {
  Bf16* elements = nullptr;
  float* floats = nullptr;
  bool accumulate = false;
};

struct DeviceBf16Gradients {
  Bf16Rows d_output;  // of each row's output times its weight
  Bf16ExpertOutput d_input;
  const float* weights = nullptr;  // [rows]; null: 1 each
  float* d_weights = nullptr;      // [rows]; null: not asked for
};

struct DeviceBf16Experts {
  const ExpertWeights<float>& weights;
  const ExpertShape& shape;  // its hidden size a multiple of 8
  const DevicePass& pass;

  // Keeps in the cache what a way back needs where the pass is one of training.
  void forward(const DeviceRows& rows, const Bf16Rows& input, DeviceBf16ExpertCache& cache,
               const Bf16ExpertOutput& output) const;
  // Writes or adds to (as the pass says) the gradient: zero where an expert has no rows. Uses the
  // cache up.
  void backward(const DeviceRows& rows, const Bf16Rows& input, const DeviceBf16Gradients& gradients,
                DeviceBf16ExpertCache& cache) const;
};

}  // namespace moesim::model::cuda
