// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/expert_order.h"

#include "base/check.h"
#include "model/cuda/kernel_list.h"

namespace moesim::model::cuda {

void order_by_expert(Device& device, const Pairs& pairs, DeviceExpertOrder& order) {
  CHECK(pairs.num_experts >= 1 && pairs.num_experts <= kMostExperts, "counts fit a block's memory");
  const auto experts = static_cast<std::size_t>(pairs.num_experts);
  const auto count = static_cast<std::size_t>(pairs.count);
  order.offsets.reserve(device, experts + 1);
  order.place.reserve(device, count);
  order.pair_of.reserve(device, count);
  const int blocks = pairs.blocks();
  if (blocks == 0) return order.offsets.fill_zero();
  std::int32_t* const table =
      order.table.reserve(device, experts * static_cast<std::size_t>(blocks));
  const std::size_t counts = sizeof(std::int32_t) * kOrderWarps * experts;
  launch(device, CountPairs{pairs, table}, blocks, counts);
  launch(device, SumTable{table, order.offsets.data(), pairs.num_experts, blocks}, 1,
         sizeof(std::int32_t) * SumTable::kThreads);
  launch(device, PlacePairs{pairs, table, order.place.data(), order.pair_of.data()}, blocks,
         counts);
}

}  // namespace moesim::model::cuda
