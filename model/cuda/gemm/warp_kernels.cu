// SPDX-License-Identifier: Apache-2.0
// The grouped kernels that every processor from compute capability 8.0 on runs.
#include <cuda_runtime.h>

#include "model/cuda/gemm/cuda_status.h"
#include "model/cuda/gemm/device_operations.h"
#include "model/cuda/gemm/grouped_launch.h"

namespace moesim::model::cuda {
namespace {

template <class Element, Form form, int kParts>
struct TileOf;
template <Form form, int kParts>
struct TileOf<Bf16, form, kParts> {
  using Config = WarpTile<form, kParts>;
};
template <Form form, int kParts>
struct TileOf<float, form, kParts> {
  using Config = ThreadTile<form, kParts>;
};

// Two blocks on a multiprocessor hide each other's epilogues.
template <class Config, class Epilogue>
__global__ void __launch_bounds__(Config::kThreads, 2)
    grouped_product(const __grid_constant__ GroupedProblem<typename Config::Element> problem,
                    const __grid_constant__ Epilogue epilogue) {
  extern __shared__ __align__(1024) char shared[];
  DeviceOperations<Config> operations(shared);
  run_grouped<Config>(operations, problem, epilogue);
}

}  // namespace

template <Form form, class Element, class Epilogue>
void launch_grouped(const GroupedProblem<Element>& problem, const Epilogue& epilogue,
                    const LaunchPlace& place) {
  using Config = typename TileOf<Element, form, Epilogue::kParts>::Config;
  if (problem.experts > kMostGroupedExperts) {
    throw std::runtime_error("CUDA: a grouped product takes " +
                             std::to_string(kMostGroupedExperts) + " experts at most");
  }
  const auto kernel = &grouped_product<Config, Epilogue>;
  const int bytes = shared_bytes<Config>(problem.experts);
  require(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
          "shared memory of the grouped product");
  int at_a_time = 0;
  require(
      cudaOccupancyMaxActiveBlocksPerMultiprocessor(&at_a_time, kernel, Config::kThreads, bytes),
      "the grouped product's blocks");
  const int blocks = place.multiprocessors * (at_a_time > 0 ? at_a_time : 1);
  kernel<<<blocks, Config::kThreads, bytes, place.stream>>>(problem, epilogue);
  require(cudaGetLastError(), "the grouped product");
}

#define MOESIM_INSTANTIATE(form, Element, ...)              \
  template void launch_grouped<form, Element, __VA_ARGS__>( \
      const GroupedProblem<Element>&, const __VA_ARGS__&, const LaunchPlace&);
#define MOESIM_INSTANTIATE_ALL(Element)                                   \
  MOESIM_INSTANTIATE(Form::into_units, Element, ForwardUnits<Element, 1>) \
  MOESIM_INSTANTIATE(Form::into_units, Element, ForwardUnits<Element, 2>) \
  MOESIM_INSTANTIATE(Form::into_units, Element, BackwardUnits<Element>)   \
  MOESIM_INSTANTIATE(Form::into_rows, Element, StoreOutput<Element>)      \
  MOESIM_INSTANTIATE(Form::into_weights, Element, StoreOutput<Element>)
MOESIM_INSTANTIATE_ALL(Bf16)
MOESIM_INSTANTIATE_ALL(float)

}  // namespace moesim::model::cuda
