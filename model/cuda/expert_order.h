// SPDX-License-Identifier: Apache-2.0
// The (token, slot) pairs in the experts' order, on the device: ExpertOrder of
// model/layers/moe_layer.h, whose counts the host never learns.
#pragma once

#include "model/cuda/kernels/order_by_expert.h"

namespace moesim::model::cuda {

struct DeviceExpertOrder {
  Buffer<std::int32_t> offsets;  // [num_experts + 1] where each expert's rows begin
  Buffer<std::int32_t> place;    // [pairs] the pair's row; -1: it has none
  Buffer<std::int32_t> pair_of;  // [pairs], the first offsets[num_experts] in use
  Buffer<std::int32_t> table;    // scratch

  // How many rows there are, on the device.
  const std::int32_t* rows() const { return offsets.data() + offsets.size() - 1; }
};

// At most kMostExperts experts; no pairs are allowed.
void order_by_expert(Device& device, const Pairs& pairs, DeviceExpertOrder& order);

}  // namespace moesim::model::cuda
