// SPDX-License-Identifier: Apache-2.0
// The grouped kernels of compute capability 9.0, and the tensor maps they read by.
#include <cuda_runtime.h>

#include "model/cuda/gemm/cuda_status.h"
#include "model/cuda/gemm/grouped_launch.h"
#include "model/cuda/gemm/warpgroup_kernel.h"

namespace moesim::model::cuda {
namespace {

// Compiled for other processors it is there, and stops the program: the host does not launch it.
template <class Config, class Epilogue>
__global__ void __launch_bounds__(Config::kThreads, 1)
    warpgroup_product(const __grid_constant__ GroupedProblem<Bf16> problem,
                      const __grid_constant__ Epilogue epilogue,
                      const __grid_constant__ TensorMaps maps) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  extern __shared__ __align__(1024) char shared[];
  DeviceGroup<Config> group(maps, shared);
  run_warpgroups(group, problem, epilogue);
#else
  __trap();
#endif
}

// The driver's function, without linking the driver, which may not be there.
using Encode = decltype(&cuTensorMapEncodeTiled);
Encode encode_function() {
  constexpr unsigned kSince = 12000;  // CUDA 12.0
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
  require(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, kSince,
                                           cudaEnableDefault, &found),
          "the driver's tensor maps");
  if (found != cudaDriverEntryPointSuccess || function == nullptr) {
    throw std::runtime_error("CUDA: the driver has no tensor maps; it is older than 12.0");
  }
  return reinterpret_cast<Encode>(function);
}

// Boxes of 64 elements by operand.box_lines, one expert.
CUtensorMap tensor_map(const BoxedOperand<Bf16>& operand) {
  static const Encode encode = encode_function();
  constexpr unsigned kDimensions = 3;
  const cuuint64_t sizes[kDimensions] = {static_cast<cuuint64_t>(operand.columns),
                                         static_cast<cuuint64_t>(operand.lines),
                                         static_cast<cuuint64_t>(operand.experts)};
  const auto stride = static_cast<cuuint64_t>(operand.stride) * sizeof(Bf16);
  // Of one expert, no stride is read, but it must not be below what it strides over.
  const auto expert_stride = operand.experts > 1
                                 ? static_cast<cuuint64_t>(operand.expert_stride) * sizeof(Bf16)
                                 : stride * static_cast<cuuint64_t>(operand.lines);
  const cuuint64_t strides[kDimensions - 1] = {stride, expert_stride};
  const cuuint32_t box[kDimensions] = {kBf16PerLine, static_cast<cuuint32_t>(operand.box_lines), 1};
  const cuuint32_t steps[kDimensions] = {1, 1, 1};
  CUtensorMap map;
  const CUresult status =
      encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, kDimensions, const_cast<Bf16*>(operand.data),
             sizes, strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
             CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (status != CUDA_SUCCESS) {
    throw std::runtime_error("CUDA: a tensor map was refused, error " +
                             std::to_string(static_cast<int>(status)));
  }
  return map;
}

// How many of a problem's operands there are: {of a, of b}.
template <Form form, int kParts>
constexpr int pairs_of(const GroupedProblem<Bf16>& problem) {
  return form == Form::into_units ? kParts : problem.segments;
}

template <class Config>
TensorMaps tensor_maps(const GroupedProblem<Bf16>& problem) {
  using Rules = BoxRules<Config>;
  TensorMaps maps{};
  const int pairs = pairs_of<Config::kForm, Config::kParts>(problem);
  const auto add = [&](BoxedName name) {
    maps.of[static_cast<int>(name)] = tensor_map(boxed_operand<Config>(problem, name));
  };
  if (Rules::kA) add(BoxedName::a0);
  if (Rules::kA && pairs > 1) add(BoxedName::a1);
  if (Rules::kB) add(BoxedName::b0);
  if (Rules::kB && pairs > 1) add(BoxedName::b1);
  return maps;
}

}  // namespace

template <Form form, class Epilogue>
void launch_warpgroups(const GroupedProblem<Bf16>& problem, const Epilogue& epilogue,
                       const LaunchPlace& place) {
  using Config = WarpgroupTile<form, Epilogue::kParts>;
  const auto kernel = &warpgroup_product<Config, Epilogue>;
  const int bytes = warpgroup_shared_bytes<Config>(problem.experts);
  require(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes),
          "shared memory of the warpgroups' product");
  const TensorMaps maps = tensor_maps<Config>(problem);
  kernel<<<place.multiprocessors, Config::kThreads, bytes, place.stream>>>(problem, epilogue, maps);
  require(cudaGetLastError(), "the warpgroups' product");
}

#define MOESIM_INSTANTIATE(form, Element, ...)                                       \
  template void launch_warpgroups<form, __VA_ARGS__>(const GroupedProblem<Element>&, \
                                                     const __VA_ARGS__&, const LaunchPlace&);
MOESIM_EACH_PRODUCT(MOESIM_INSTANTIATE, Bf16)
#undef MOESIM_INSTANTIATE

}  // namespace moesim::model::cuda
