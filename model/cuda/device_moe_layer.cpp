// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/device_moe_layer.h"

#include "model/cuda/kernel_list.h"

namespace moesim::model::cuda {
namespace {

// The rows of the pairs' tokens, in the experts' order.
void gather_rows(const DeviceMoeLayer& layer, const DeviceRouterCache& router, const float* from,
                 float* to) {
  PermuteRows kernel;
  kernel.from = from;
  kernel.to = to;
  kernel.source = router.routing.order.pair_of.data();
  kernel.used_rows = router.routing.order.rows();
  kernel.width = layer.shape.experts.hidden;
  kernel.divisor = router.top_k;
  launch(layer.pass.device, kernel, router.pairs());
}

// Of each token's rows, in the slots' order; without weights unless some are set.
CombineRows combination(const DeviceMoeLayer& layer, const DeviceRouterCache& router,
                        const float* from, float* to) {
  CombineRows kernel;
  kernel.from = from;
  kernel.to = to;
  kernel.place = router.routing.order.place.data();
  kernel.width = layer.shape.experts.hidden;
  kernel.slots = router.top_k;
  return kernel;
}

DeviceRows rows_of(const DeviceRouterCache& router) {
  return {router.routing.order.offsets.data(), router.pairs()};
}

}  // namespace

DeviceRows all_rows(Device& device, std::int64_t rows, OneExpertRows& room) {
  const std::vector<std::int32_t> first = {0, static_cast<std::int32_t>(rows)};
  return {room.upload(device, first), rows};
}

void DeviceMoeLayer::forward(const float* x, int tokens, DeviceMoeCache& cache,
                             DeviceMoeScratch& scratch, float* y) const {
  Device& device = pass.device;
  const DeviceRouterCache& routed = cache.router;
  router().forward(x, tokens, cache.router);
  const auto rows = static_cast<std::size_t>(routed.pairs() * shape.experts.hidden);
  float* const input = scratch.input.reserve(device, rows);
  float* const output = scratch.output.reserve(device, rows);
  gather_rows(*this, routed, x, input);
  const DeviceExperts experts{weights.experts, shape.experts, pass};
  experts.forward(rows_of(routed), input, cache.experts, output);
  const bool has_shared = shape.shared.count() > 0;
  if (has_shared) {
    const DeviceExperts shared{weights.shared, shape.shared, pass};
    shared.forward(all_rows(device, tokens, cache.all), x, cache.shared, y);
  }
  CombineRows combine = combination(*this, routed, output, y);
  combine.weights = routed.routing.weights.data();
  combine.accumulate = has_shared;
  launch(device, combine, tokens);
}

void DeviceMoeLayer::backward(const float* x, DeviceMoeCache& cache,
                              const DeviceMoeGradients& gradients,
                              DeviceMoeScratch& scratch) const {
  Device& device = pass.device;
  const DeviceRouterCache& routed = cache.router;
  const std::int64_t pairs = routed.pairs();
  const std::int64_t blocks = ceil_divide(pairs, kMoveThreads);
  const auto size = static_cast<std::size_t>(pairs);
  const std::size_t rows = size * static_cast<std::size_t>(shape.experts.hidden);
  float* const input = scratch.input.reserve(device, rows);
  float* const output = scratch.output.reserve(device, rows);
  gather_rows(*this, routed, x, input);
  gather_rows(*this, routed, gradients.dy, output);
  DeviceExpertGradients of_experts{output, output};
  float* const row_weights = scratch.row_weights.reserve(device, size);
  launch(device,
         GatherPairs{routed.routing.weights.data(), row_weights,
                     routed.routing.order.pair_of.data(), routed.routing.order.rows()},
         blocks);
  of_experts.weights = row_weights;
  of_experts.d_weights = scratch.d_row_weights.reserve(device, size);
  const DeviceExperts experts{weights.experts, shape.experts, pass};
  experts.backward(rows_of(routed), input, of_experts, cache.experts);
  float* const d_weights = scratch.d_weights.reserve(device, size);
  launch(device,
         SpreadToPairs{of_experts.d_weights, d_weights, routed.routing.order.place.data(), pairs},
         blocks);
  launch(device, combination(*this, routed, output, gradients.dx), routed.routing.tokens);
  if (shape.shared.count() > 0) {
    const DeviceExpertGradients of_shared{gradients.dy, gradients.dx, true};
    const DeviceExperts shared{weights.shared, shape.shared, pass};
    shared.backward({cache.all.data(), routed.routing.tokens}, x, of_shared, cache.shared);
  }
  router().backward(x, routed, {d_weights, gradients.dx, gradients.router, gradients.loss_scale},
                    scratch.router);
}

}  // namespace moesim::model::cuda
