// SPDX-License-Identifier: Apache-2.0
// Launches the grouped kernels. All pointers are a device's; nothing here waits for it.
// Instantiated for the forms and epilogues of an expert layer:
//   into_units    ForwardUnits of one and of two parts, BackwardUnits
//   into_rows     StoreOutput
//   into_weights  StoreOutput
#pragma once

#include "model/cuda/gemm/epilogues.h"
#include "model/cuda/gemm/grouped_problem.h"

struct CUstream_st;

namespace moesim::model::cuda {

// Where a kernel runs. Kernels are persistent: as many blocks as run at a time.
struct LaunchPlace {
  CUstream_st* stream = nullptr;
  int multiprocessors = 0;  // to use, at least 1
};

// With mma.m16n8k16 for Bf16, from compute capability 8.0 on; for float with one multiply-add after
// the other, in order of k: the reference mode. Throws std::runtime_error with what CUDA says, and
// for more than kMostGroupedExperts (tile_configs.h) experts.
template <Form form, class Element, class Epilogue>
void launch_grouped(const GroupedProblem<Element>& problem, const Epilogue& epilogue,
                    const LaunchPlace& place);

// With wgmma and TMA, on compute capability 9.0 alone, where warpgroups_take() (stage_boxes.h) says
// so.
template <Form form, class Epilogue>
void launch_warpgroups(const GroupedProblem<Bf16>& problem, const Epilogue& epilogue,
                       const LaunchPlace& place);

}  // namespace moesim::model::cuda
