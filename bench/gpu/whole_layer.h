// SPDX-License-Identifier: Apache-2.0
// A whole layer of experts in a device's memory, forward: from the gate's logits and the tokens'
// rows to the weighted sum of the experts' rows, [tokens, hidden].
#pragma once

#include <vector>

#include "bench/gpu/expert_layer.h"
#include "bench/gpu/layer_kernels.h"

namespace moesim::bench {

class WholeLayer {
 public:
  // Routes into `layer`, whose rows it runs; `choices`: expert_choices(point).
  WholeLayer(ExpertLayer& layer, const BenchPoint& point, const std::vector<std::int32_t>& choices);

  // On `stream`, which has to be that of `products`. Ways that need the counts on the host bring
  // them down first and wait for them, as a program that asks cuBLAS has to.
  void forward(model::cuda::GroupedProducts& products, model::cuda::ProductMethod method,
               CUstream_st* stream);
  void poison_results() const;

  // ‖output - reference‖ / ‖reference‖ over some tokens, in double from the experts' rows. Throws
  // std::runtime_error where the rows' order is not the one that the choices imply.
  double error_of_forward(int tokens) const;

 private:
  void require_order() const;

  ExpertLayer& layer_;
  BenchPoint point_;
  std::vector<std::int32_t> choices_;
  DeviceMemory logits_, scores_, chosen_, weights_, table_, place_, pair_of_, output_;
  LayerRouting routing_;
  std::vector<std::int32_t> first_row_;  // as brought down
};

}  // namespace moesim::bench
