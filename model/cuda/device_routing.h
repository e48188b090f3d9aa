// SPDX-License-Identifier: Apache-2.0
// The gate's decision on the device: what route() of model/router/router.h does to logits, bit for
// bit, without the host waiting for anything.
#pragma once

#include "model/cuda/expert_order.h"
#include "model/cuda/kernels/route_tokens.h"
#include "model/router/router_config.h"
#include "model/router/routing_batch.h"

namespace moesim::model::cuda {

// The routers that have kernels: a gate's top_k, within groups or not, with losses of shares and of
// logits. The others are the processor's.
bool routes_on_device(const RouterConfig& config);

// A router's decision on one call's tokens; [pairs] is [tokens, top_k].
struct DeviceRouting {
  int tokens = 0;
  Buffer<float> logits;                 // [tokens, num_experts], the caller's
  Buffer<float> scores;                 // [tokens, num_experts]
  Buffer<std::int32_t> experts;         // [pairs]
  Buffer<float> weights_before_drop;    // [pairs]
  Buffer<float> weights;                // [pairs], 0 where dropped
  Buffer<float> undropped;              // [pairs] the weights that RoutingBatch keeps
  Buffer<float> factors;                // [tokens] of renormalising after drops
  Buffer<float> kept_sums;              // [tokens]
  Buffer<std::uint8_t> kept;            // [pairs]; of size 0: all
  Buffer<std::uint8_t> kept_by_expert;  // [pairs], before ranks turned pairs away
  Buffer<std::int32_t> first_expert;    // [ranks + 1]
  Buffer<std::int32_t> chosen;          // [pairs] before overflow moved them; of size 0: none could
  DeviceExpertOrder all;                // every pair
  DeviceExpertOrder order;              // the kept pairs

  const std::uint8_t* kept_or_null() const { return kept.size() == 0 ? nullptr : kept.data(); }
};

// What a token's scores, choice and weights are by the configuration; `bias` as below.
RouteTokens route_kernel(const RouterConfig& config, const float* bias,
                         const DeviceRouting& routing);

// Decides for `tokens` rows of routing.logits. `bias`: [num_experts] for the choice, or null.
void route_on_device(Device& device, const RouterConfig& config, int tokens, const float* bias,
                     DeviceRouting& routing);

// The decision as the host has it; waits for the device.
RoutingBatch download_batch(const RouterConfig& config, const DeviceRouting& routing);

}  // namespace moesim::model::cuda
