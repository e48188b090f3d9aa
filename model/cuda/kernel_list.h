// SPDX-License-Identifier: Apache-2.0
// The one visible table of the kernels: a kernel's number is its place here, for the CUDA device
// and the emulator alike.
#pragma once

#include <type_traits>

#include "model/cuda/device.h"
#include "model/cuda/kernels/capacity.h"
#include "model/cuda/kernels/move_rows.h"
#include "model/cuda/kernels/multiply.h"
#include "model/cuda/kernels/order_by_expert.h"
#include "model/cuda/kernels/route_tokens.h"
#include "model/cuda/kernels/select_experts.h"

namespace moesim::model::cuda {

template <class... Kernels>
struct ListOfKernels {
  static constexpr int kCount = sizeof...(Kernels);

  template <class Kernel>
  static constexpr int index_of() {
    constexpr bool kIsIt[] = {std::is_same<Kernel, Kernels>::value...};
    for (int i = 0; i < kCount; ++i) {
      if (kIsIt[i]) return i;
    }
    return -1;
  }
};

using KernelList = ListOfKernels<
    // routing
    SelectExperts, RouteTokens, CountPairs, SumTable, PlacePairs, TurnAway, FinishWeights,
    // rows
    PermuteRows, CombineRows, GatherPairs, SpreadToPairs,
    // products
    MultiplyOne, MultiplyMany>;

// Runs a kernel; nothing where there are no blocks.
template <class Kernel>
void launch(Device& device, const Kernel& kernel, std::int64_t blocks,
            std::size_t shared_bytes = 0) {
  constexpr int kIndex = KernelList::index_of<Kernel>();
  static_assert(kIndex >= 0, "a kernel that is launched is in the list");
  if (blocks > 0) device.launch({kIndex, &kernel, static_cast<int>(blocks), shared_bytes});
}

}  // namespace moesim::model::cuda
