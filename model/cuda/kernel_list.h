// SPDX-License-Identifier: Apache-2.0
// The one visible table of the kernels: a kernel's number is its place here, for the CUDA device
// and the emulator alike.
#pragma once

#include <type_traits>

#include "model/cuda/device.h"
#include "model/cuda/kernels/activate_rows.h"
#include "model/cuda/kernels/attention.h"
#include "model/cuda/kernels/balance.h"
#include "model/cuda/kernels/capacity.h"
#include "model/cuda/kernels/cross_entropy.h"
#include "model/cuda/kernels/elements.h"
#include "model/cuda/kernels/embedding.h"
#include "model/cuda/kernels/expert_products.h"
#include "model/cuda/kernels/grouped_sums.h"
#include "model/cuda/kernels/layer_norm.h"
#include "model/cuda/kernels/move_rows.h"
#include "model/cuda/kernels/multiply.h"
#include "model/cuda/kernels/next_best.h"
#include "model/cuda/kernels/optimizer.h"
#include "model/cuda/kernels/order_by_expert.h"
#include "model/cuda/kernels/round_values.h"
#include "model/cuda/kernels/route_tokens.h"
#include "model/cuda/kernels/router_backward.h"
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
    SelectExperts, RouteTokens, CountPairs, SumTable, PlacePairs, TurnAway, SendToNextBest,
    WeighTokens, FinishWeights, RouteTokensBackward, InverseSums, SumShares, ZLossRows, AddZSlope,
    // rows
    PermuteRows, CombineRows, CombineRoundedRows, CombineIntoBf16, GatherPairs, SpreadToPairs,
    MultiplyByFactors, AddElements, FillRows, SumColumns,
    // products
    MultiplyOne, MultiplyMany, PlaceExperts, PlanExpertProducts, RoundToBf16, NameTokensOfRows,
    SumRowPieces, SumRowsOfExperts,
    // layers
    ActivateRows, ActivateRowsBackward, AddBiasToWeightGradient, NormaliseRows,
    NormaliseRowsBackward, NormGradientPieces, AttendToKeys, AttendBackward, KeysBackward,
    EmbedBytes, EmbedBytesBackward, PositionsBackward, CrossEntropyRows, CrossEntropyBackwardRows,
    // the optimizer
    SumSquares, StepByAdamw, StepBySgd>;

// Runs a kernel; nothing where there are no blocks.
template <class Kernel>
void launch(Device& device, const Kernel& kernel, std::int64_t blocks,
            std::size_t shared_bytes = 0) {
  constexpr int kIndex = KernelList::index_of<Kernel>();
  static_assert(kIndex >= 0, "a kernel that is launched is in the list");
  if (blocks > 0) device.launch({kIndex, &kernel, static_cast<int>(blocks), shared_bytes});
}

}  // namespace moesim::model::cuda
