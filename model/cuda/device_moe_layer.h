// SPDX-License-Identifier: Apache-2.0
// The MoE layer on the device: MoeLayer of model/layers/moe_layer.h, bit for bit but in mixed
// precision.
#pragma once

#include "model/cuda/device_feed_forward.h"
#include "model/cuda/device_router.h"
#include "model/layers/moe_layer.h"

namespace moesim::model::cuda {

struct DeviceMoeCache {
  DeviceRouterCache router;
  DeviceExpertCache experts;
  DeviceBf16ExpertCache rounded;  // of mixed precision
  DeviceFeedForwardCache shared;
};

// Room that one layer after another uses.
struct DeviceMoeScratch {
  Buffer<float> input;          // [pairs, hidden] in the experts' order
  Buffer<float> output;         // [pairs, hidden]
  Buffer<float> row_weights;    // [pairs]
  Buffer<float> d_row_weights;  // [pairs]
  Buffer<float> d_weights;      // [tokens, top_k]
  DeviceRouterScratch router;
};

// The gradients of a backward pass.
struct DeviceMoeGradients {
  const float* dy = nullptr;  // [tokens, hidden]
  float* dx = nullptr;        // [tokens, hidden], written
  RouterWeights<float>* router = nullptr;
  double loss_scale = 1;
};

struct DeviceMoeLayer {
  const MoeLayerWeights<float>& weights;
  const MoeLayerShape& shape;
  const TokenContext& context;
  const DevicePass& pass;

  bool has_shared() const { return shape.shared.count() > 0; }
  DeviceFeedForward shared() const { return {weights.shared, shape.shared, pass}; }
  DeviceRouter router() const { return {weights.router, shape.router, context, pass}; }

  // x, [tokens, hidden] -> y, [tokens, hidden].
  void forward(const float* x, int tokens, DeviceMoeCache& cache, DeviceMoeScratch& scratch,
               float* y) const;
  // After router().fetch(). Uses the cache up.
  void backward(const float* x, DeviceMoeCache& cache, const DeviceMoeGradients& gradients,
                DeviceMoeScratch& scratch) const;
};

}  // namespace moesim::model::cuda
