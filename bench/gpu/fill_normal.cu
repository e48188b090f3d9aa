// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/fill_normal.h"

#include <cuda_runtime.h>

#include "model/cuda/gemm/cuda_status.h"

namespace moesim::bench {
namespace {

__device__ std::uint64_t mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

__global__ void fill(model::cuda::Bf16* to, std::int64_t count, float scale, std::uint64_t seed) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    const std::uint64_t bits = mixed(seed * 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(i));
    const float u = (static_cast<float>(bits >> 40) + 0.5f) * 0x1p-24f;
    const float angle = static_cast<float>(bits & 0xffffff) * 0x1p-24f;
    to[i] = model::cuda::to_bf16(scale * sqrtf(-2.0f * logf(u)) * cospif(2.0f * angle));
  }
}

}  // namespace

void fill_normal(model::cuda::Bf16* to, std::int64_t count, float scale, std::uint64_t seed) {
  constexpr int kThreads = 256;
  constexpr int kBlocks = 4096;
  fill<<<kBlocks, kThreads>>>(to, count, scale, seed);
  model::cuda::require(cudaGetLastError(), "random values");
}

}  // namespace moesim::bench
