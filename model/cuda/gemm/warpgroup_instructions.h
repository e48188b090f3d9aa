// SPDX-License-Identifier: Apache-2.0
// The instructions of compute capability 9.0 that products use (PTX ISA 8.7): barriers in shared
// memory that count arrivals and bytes, copies by tensor map, and products of warpgroups. For nvcc
// alone, and only where __CUDA_ARCH_FEAT_SM90_ALL is defined.
#pragma once

#include <cuda.h>

#include <cstdint>

#include "model/cuda/gemm/stage_boxes.h"
#include "model/cuda/gemm/warp_instructions.h"

namespace moesim::model::cuda {

// A barrier of shared memory (mbarrier) at an address: a phase ends when `count` threads have
// arrived and all bytes that were announced are there; the next begins at once. Waiters name the
// phase they wait for by its parity.
struct StageBarrier {
  std::uint32_t at;

  __device__ __forceinline__ void start(int count) const {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(at), "r"(count) : "memory");
  }
  __device__ __forceinline__ void arrive() const {
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(at) : "memory");
  }
  __device__ __forceinline__ void announce(int bytes) const {
    asm volatile("mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%0], %1;" ::"r"(at), "r"(bytes)
                 : "memory");
  }
  __device__ __forceinline__ void wait(int parity) const {
    asm volatile(
        "{\n"
        ".reg .pred done;\n"
        "again:\n"
        "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
        "@done bra over;\n"
        "bra again;\n"
        "over:\n"
        "}" ::"r"(at),
        "r"(parity)
        : "memory");
  }
};

// Barriers that threads have started are seen by copies.
__device__ __forceinline__ void publish_barriers() {
  asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
// What this thread wrote to shared memory is seen by wgmma and by copies.
__device__ __forceinline__ void publish_to_async() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

// A box to shared memory; its bytes arrive at the barrier.
__device__ __forceinline__ void copy_box(const CUtensorMap& map, const StageBox& box,
                                         std::uint32_t shared, StageBarrier barrier) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes "
      "[%0], [%1, {%2, %3, %4}], [%5];" ::"r"(shared + static_cast<std::uint32_t>(box.to)),
      "l"(reinterpret_cast<std::uint64_t>(&map)), "r"(box.column), "r"(box.line), "r"(box.expert),
      "r"(barrier.at)
      : "memory");
}

// All 128 threads of one warpgroup.
__device__ __forceinline__ void wait_for_group(int name) {
  asm volatile("bar.sync %0, 128;" ::"r"(name) : "memory");
}
template <int kRegisters>
__device__ __forceinline__ void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(kRegisters));
}
template <int kRegisters>
__device__ __forceinline__ void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(kRegisters));
}

// Products of a warpgroup run beside its threads: begin, any number of adds, end; then they are
// under way until all but the last kLeft that ended are done.
__device__ __forceinline__ void begin_products() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ __forceinline__ void end_products() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int kLeft>
__device__ __forceinline__ void wait_for_products() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kLeft) : "memory");
}
// The compiler neither reads nor writes these sums across this place.
template <int kCount>
__device__ __forceinline__ void hold(float (&sums)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; ++i) asm volatile("" : "+f"(sums[i])::"memory");
}

#define MOESIM_SUMS(d, i)                                                                     \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), \
      "+f"(d[i + 6]), "+f"(d[i + 7])

// sums += A B, 64 rows by 2 kCount columns, 16 k's; operands K-major or not.
template <bool kOtherA, bool kOtherB>
__device__ __forceinline__ void add_product(float (&d)[64], WgmmaDescriptor a, WgmmaDescriptor b) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.eq.u32 add, 0, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, "
      "%18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, "
      "%34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, "
      "%50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
      "}, %64, %65, add, 1, 1, %66, %67;\n"
      "}"
      : MOESIM_SUMS(d, 0), MOESIM_SUMS(d, 8), MOESIM_SUMS(d, 16), MOESIM_SUMS(d, 24),
        MOESIM_SUMS(d, 32), MOESIM_SUMS(d, 40), MOESIM_SUMS(d, 48), MOESIM_SUMS(d, 56)
      : "l"(a.bits), "l"(b.bits), "n"(kOtherA ? 1 : 0), "n"(kOtherB ? 1 : 0));
}
template <bool kOtherA, bool kOtherB>
__device__ __forceinline__ void add_product(float (&d)[128], WgmmaDescriptor a, WgmmaDescriptor b) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.eq.u32 add, 0, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, "
      "%18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, "
      "%34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, "
      "%50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63, %64, %65, "
      "%66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, %81, "
      "%82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95, %96, %97, "
      "%98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, "
      "%112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, "
      "%125, %126, %127"
      "}, %128, %129, add, 1, 1, %130, %131;\n"
      "}"
      : MOESIM_SUMS(d, 0), MOESIM_SUMS(d, 8), MOESIM_SUMS(d, 16), MOESIM_SUMS(d, 24),
        MOESIM_SUMS(d, 32), MOESIM_SUMS(d, 40), MOESIM_SUMS(d, 48), MOESIM_SUMS(d, 56),
        MOESIM_SUMS(d, 64), MOESIM_SUMS(d, 72), MOESIM_SUMS(d, 80), MOESIM_SUMS(d, 88),
        MOESIM_SUMS(d, 96), MOESIM_SUMS(d, 104), MOESIM_SUMS(d, 112), MOESIM_SUMS(d, 120)
      : "l"(a.bits), "l"(b.bits), "n"(kOtherA ? 1 : 0), "n"(kOtherB ? 1 : 0));
}
#undef MOESIM_SUMS

}  // namespace moesim::model::cuda
