// SPDX-License-Identifier: Apache-2.0
// The seam to the experts' products in bf16, the forms and epilogues of an expert layer: what
// Device::grouped() gives. A CUDA device computes them as grouped_products.h chooses; in tests the
// processor runs the grouped kernel's own source. Calls come in order with all else that the device
// does, and return before the product is there. C++17, read by nvcc and g++.
#pragma once

#include <cstdint>
#include <vector>

#include "model/cuda/gemm/epilogues.h"
#include "model/cuda/gemm/grouped_problem.h"

namespace moesim::model::cuda {

// problem.first_row as the host knows it, [experts + 1], for ways that need it there; empty where
// only the device knows it: then those ways are not taken.
using HostFirstRow = std::vector<std::int32_t>;

// All pointers of problems and epilogues are the device's. At most kMostGroupedExperts experts
// (tile_configs.h). Throws std::runtime_error with what CUDA or cuBLAS says.
class GroupedMultiplier {
 public:
  virtual ~GroupedMultiplier() = default;

  virtual void into_units(const GroupedProblem<Bf16>& problem,
                          const ForwardUnits<Bf16, 1>& epilogue, const HostFirstRow& first_row) = 0;
  virtual void into_units(const GroupedProblem<Bf16>& problem,
                          const ForwardUnits<Bf16, 2>& epilogue, const HostFirstRow& first_row) = 0;
  virtual void into_units(const GroupedProblem<Bf16>& problem, const BackwardUnits<Bf16>& epilogue,
                          const HostFirstRow& first_row) = 0;
  virtual void into_rows(const GroupedProblem<Bf16>& problem, const StoreOutput<Bf16>& epilogue,
                         const HostFirstRow& first_row) = 0;
  virtual void into_weights(const GroupedProblem<Bf16>& problem, const StoreOutput<Bf16>& epilogue,
                            const HostFirstRow& first_row) = 0;
};

}  // namespace moesim::model::cuda
