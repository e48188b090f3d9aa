// SPDX-License-Identifier: Apache-2.0
// The instructions of compute capability 8.0 that products use (PTX ISA 8.7), for nvcc alone.
#pragma once

#include <cstdint>

#include "model/cuda/gemm/grouped_problem.h"

namespace moesim::model::cuda {

__device__ __forceinline__ std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

// 16 bytes to shared memory, of which the last 16 - source.bytes are zero.
__device__ __forceinline__ void copy_chunk(std::uint32_t to, const ChunkSource& source) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to),
               "l"(__cvta_generic_to_global(source.from)), "r"(source.bytes)
               : "memory");
}
__device__ __forceinline__ void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int kLeft>
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kLeft) : "memory");
}

// threadIdx.x, read anew: what follows from it is computed where it is used, not kept in registers
// through the loops before.
__device__ __forceinline__ int thread_now() {
  int thread;
  asm volatile("mov.u32 %0, %%tid.x;" : "=r"(thread));
  return thread;
}

// The sum over 8 neighbouring lanes, of whom the first gets it.
__device__ __forceinline__ float sum_of_eight(float value) {
#pragma unroll
  for (int apart = 4; apart > 0; apart /= 2) {
    value += __shfl_down_sync(0xffffffffu, value, static_cast<unsigned>(apart), 8);
  }
  return value;
}

// The warp of this thread, for multiply_warp (stage_products.h).
class DeviceLanes {
 public:
  using Registers = std::uint32_t[4];

  __device__ explicit DeviceLanes(std::uint32_t shared)
      : shared_(shared), lane_(static_cast<int>(threadIdx.x) % 32) {}

  template <class At>
  __device__ __forceinline__ void load(Registers& registers, At&& at, bool transposed) const {
    const std::uint32_t from = shared_ + static_cast<std::uint32_t>(at(lane_));
    if (transposed) {
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                   : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
                   : "r"(from)
                   : "memory");
    } else {
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                   : "=r"(registers[0]), "=r"(registers[1]), "=r"(registers[2]), "=r"(registers[3])
                   : "r"(from)
                   : "memory");
    }
  }

  __device__ __forceinline__ void multiply(float (&sums)[4], const Registers& a, const Registers& b,
                                           int half) const {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[2 * half]), "r"(b[2 * half + 1]));
  }

 private:
  std::uint32_t shared_;
  int lane_;
};

}  // namespace moesim::model::cuda
