// SPDX-License-Identifier: Apache-2.0
// The experts' products in bf16 of an emulated device: the grouped kernel's source for tiles of
// warps, its instructions played by the processor (host_operations.h).
#pragma once

#include "model/cuda/gemm/grouped_multiplier.h"

namespace moesim::testing {

class EmulatedMultiplier final : public model::cuda::GroupedMultiplier {
 public:
  using Problem = model::cuda::GroupedProblem<model::cuda::Bf16>;
  template <int kParts>
  using Forward = model::cuda::ForwardUnits<model::cuda::Bf16, kParts>;
  using Backward = model::cuda::BackwardUnits<model::cuda::Bf16>;
  using Store = model::cuda::StoreOutput<model::cuda::Bf16>;
  using FirstRow = model::cuda::HostFirstRow;

  void into_units(const Problem& problem, const Forward<1>& epilogue, const FirstRow&) override;
  void into_units(const Problem& problem, const Forward<2>& epilogue, const FirstRow&) override;
  void into_units(const Problem& problem, const Backward& epilogue, const FirstRow&) override;
  void into_rows(const Problem& problem, const Store& epilogue, const FirstRow&) override;
  void into_weights(const Problem& problem, const Store& epilogue, const FirstRow&) override;
};

}  // namespace moesim::testing
