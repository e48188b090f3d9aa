// SPDX-License-Identifier: Apache-2.0
// The gate of a MoE layer on the device, forward and backward: route() and RouterBackward of
// model/router/router.h, bit for bit. A router without kernels (routes_on_device) is computed by
// the processor between two copies.
#pragma once

#include "model/cuda/device_layers.h"
#include "model/cuda/device_routing.h"
#include "model/router/router.h"

namespace moesim::model::cuda {

struct DeviceRouterCache {
  DeviceRouting routing;
  int top_k = 0;               // slots of a token
  Buffer<float> inverse_sums;  // [tokens]
  Buffer<double> share_sums;   // [sequences, num_experts]; of size 0 where no loss reads them
  Buffer<double> z_squares;    // [tokens]; of size 0 without a z-loss
  RouterCache<float> host;     // what fetch() brought: the decision and the losses
  Matrix<float> host_input;    // of a router that the processor computes

  std::int64_t pairs() const { return std::int64_t{routing.tokens} * top_k; }
};

// Room that one layer after another uses.
struct DeviceRouterScratch {
  Buffer<float> slopes;
  Buffer<float> d_scores;
  Buffer<float> d_logits;
  Buffer<float> d_shares;
};

// The gradients of a backward pass.
struct DeviceRouterGradients {
  const float* d_weights = nullptr;      // [tokens, top_k]
  float* dx = nullptr;                   // [tokens, hidden], added to
  RouterWeights<float>* host = nullptr;  // where the processor keeps those that it computes
  double loss_scale = 1;
};

struct DeviceRouter {
  const RouterWeights<float>& weights;
  const RouterConfig& config;
  const TokenContext& context;
  const DevicePass& pass;

  // Routes x, [tokens, hidden]; does not wait where the router has kernels.
  void forward(const float* x, int tokens, DeviceRouterCache& cache) const;
  // Brings the decision and the losses to the host; waits.
  void fetch(DeviceRouterCache& cache) const;
  // After fetch(), from the same x. Writes or adds to (as the pass says) the gradient.
  void backward(const float* x, const DeviceRouterCache& cache,
                const DeviceRouterGradients& gradients, DeviceRouterScratch& scratch) const;
};

}  // namespace moesim::model::cuda
