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
template <class Element>
CombineRowsOf<Element> combination(const DeviceMoeLayer& layer, const DeviceRouterCache& router,
                                   const Element* from, float* to) {
  CombineRowsOf<Element> kernel;
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

std::size_t elements_of(const DeviceMoeLayer& layer, const DeviceRouterCache& router) {
  return static_cast<std::size_t>(router.pairs() * layer.shape.experts.hidden);
}

// y (+)= each token's rows of the experts' output, weighted.
template <class Element>
void combine_output(const DeviceMoeLayer& layer, const DeviceRouterCache& router,
                    const Element* output, float* y) {
  CombineRowsOf<Element> combine = combination(layer, router, output, y);
  combine.weights = router.routing.weights.data();
  combine.accumulate = layer.has_shared();
  launch(layer.pass.device, combine, router.routing.tokens);
}

// The experts on copies of their rows.
void run_experts(const DeviceMoeLayer& layer, const float* x, DeviceMoeCache& cache,
                 DeviceMoeScratch& scratch, float* y) {
  Device& device = layer.pass.device;
  const std::size_t size = elements_of(layer, cache.router);
  float* const input = scratch.input.reserve(device, size);
  float* const output = scratch.output.reserve(device, size);
  gather_rows(layer, cache.router, x, input);
  const DeviceExperts experts{layer.weights.experts, layer.shape.experts, layer.pass};
  experts.forward(rows_of(cache.router), input, cache.experts, output);
  combine_output(layer, cache.router, output, y);
}

void turn_experts_back(const DeviceMoeLayer& layer, const float* x, DeviceMoeCache& cache,
                       const DeviceMoeGradients& gradients, DeviceMoeScratch& scratch) {
  Device& device = layer.pass.device;
  const std::size_t size = elements_of(layer, cache.router);
  float* const input = scratch.input.reserve(device, size);
  float* const output = scratch.output.reserve(device, size);
  gather_rows(layer, cache.router, x, input);
  gather_rows(layer, cache.router, gradients.dy, output);
  const DeviceExpertGradients of_experts{output, output, false, scratch.row_weights.data(),
                                         scratch.d_row_weights.data()};
  const DeviceExperts experts{layer.weights.experts, layer.shape.experts, layer.pass};
  experts.backward(rows_of(cache.router), input, of_experts, cache.experts);
  launch(device, combination(layer, cache.router, output, gradients.dx),
         cache.router.routing.tokens);
}

// Whose token each row is.
const std::int32_t* tokens_of_rows(const DeviceMoeLayer& layer, const DeviceRouterCache& router) {
  Device& device = layer.pass.device;
  NameTokensOfRows kernel;
  kernel.pair_of = router.routing.order.pair_of.data();
  kernel.count = router.routing.order.rows();
  kernel.token_of =
      layer.pass.room.token_of.reserve(device, static_cast<std::size_t>(router.pairs()));
  kernel.top_k = router.top_k;
  launch(device, kernel, blocks_for_elements(router.pairs()));
  return kernel.token_of;
}

// The experts in mixed precision; their products gather the tokens' rows.
void run_bf16_experts(const DeviceMoeLayer& layer, const float* x, DeviceMoeCache& cache,
                      float* y) {
  const DeviceRouterCache& router = cache.router;
  Bf16Room& room = layer.pass.room;
  const std::int64_t elements = router.routing.tokens * layer.shape.experts.hidden;
  const Bf16Rows input{rounded_rows(layer.pass, x, elements, room.a),
                       tokens_of_rows(layer, router)};
  Bf16ExpertOutput output;
  output.elements = room.output.reserve(layer.pass.device, elements_of(layer, router));
  const DeviceBf16Experts experts{layer.weights.experts, layer.shape.experts, layer.pass};
  experts.forward(rows_of(router), input, cache.rounded, output);
  combine_output(layer, router, output.elements, y);
}

void turn_bf16_experts_back(const DeviceMoeLayer& layer, const float* x, DeviceMoeCache& cache,
                            const DeviceMoeGradients& gradients, DeviceMoeScratch& scratch) {
  const DeviceRouterCache& router = cache.router;
  Bf16Room& room = layer.pass.room;
  const std::int64_t elements = router.routing.tokens * layer.shape.experts.hidden;
  const std::int32_t* const token_of = tokens_of_rows(layer, router);
  const Bf16Rows input{rounded_rows(layer.pass, x, elements, room.a), token_of};
  DeviceBf16Gradients of_experts;
  of_experts.d_output = {rounded_rows(layer.pass, gradients.dy, elements, room.b), token_of};
  of_experts.d_input.elements = room.output.reserve(layer.pass.device, elements_of(layer, router));
  of_experts.weights = scratch.row_weights.data();
  of_experts.d_weights = scratch.d_row_weights.data();
  const DeviceBf16Experts experts{layer.weights.experts, layer.shape.experts, layer.pass};
  experts.backward(rows_of(router), input, of_experts, cache.rounded);
  launch(layer.pass.device, combination(layer, router, of_experts.d_input.elements, gradients.dx),
         router.routing.tokens);
}

}  // namespace

void DeviceMoeLayer::forward(const float* x, int tokens, DeviceMoeCache& cache,
                             DeviceMoeScratch& scratch, float* y) const {
  router().forward(x, tokens, cache.router);
  if (has_shared()) shared().forward(x, tokens, cache.shared, y);
  if (pass.is_bf16()) {
    run_bf16_experts(*this, x, cache, y);
  } else {
    run_experts(*this, x, cache, scratch, y);
  }
}

void DeviceMoeLayer::backward(const float* x, DeviceMoeCache& cache,
                              const DeviceMoeGradients& gradients,
                              DeviceMoeScratch& scratch) const {
  Device& device = pass.device;
  const DeviceRouterCache& routed = cache.router;
  const std::int64_t pairs = routed.pairs();
  const std::int64_t blocks = ceil_divide(pairs, kMoveThreads);
  const auto size = static_cast<std::size_t>(pairs);
  launch(device,
         GatherPairs{routed.routing.weights.data(), scratch.row_weights.reserve(device, size),
                     routed.routing.order.pair_of.data(), routed.routing.order.rows()},
         blocks);
  scratch.d_row_weights.reserve(device, size);
  if (pass.is_bf16()) {
    turn_bf16_experts_back(*this, x, cache, gradients, scratch);
  } else {
    turn_experts_back(*this, x, cache, gradients, scratch);
  }
  float* const d_weights = scratch.d_weights.reserve(device, size);
  launch(device,
         SpreadToPairs{scratch.d_row_weights.data(), d_weights, routed.routing.order.place.data(),
                       pairs},
         blocks);
  if (has_shared()) shared().backward(x, gradients.dy, cache.shared, gradients.dx, true);
  router().backward(x, routed, {d_weights, gradients.dx, gradients.router, gradients.loss_scale},
                    scratch.router);
}

}  // namespace moesim::model::cuda
