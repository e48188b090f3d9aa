// SPDX-License-Identifier: Apache-2.0
// What a kernel of kernels/ sees on a CUDA device (device.h, "Thread"), and how it is launched
// there. For nvcc alone.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace moesim::model::cuda {

class CudaThread {
 public:
  __device__ int block() const { return static_cast<int>(blockIdx.x); }
  __device__ int blocks() const { return static_cast<int>(gridDim.x); }
  __device__ int index() const { return static_cast<int>(threadIdx.x); }
  __device__ int threads() const { return static_cast<int>(blockDim.x); }
  __device__ void sync() const { __syncthreads(); }
  __device__ void sync_warp() const { __syncwarp(); }
  template <class T>
  __device__ T shuffle_down(T value, int delta, int width) const {
    return __shfl_down_sync(kAll, value, static_cast<unsigned>(delta), width);
  }
  template <class T>
  __device__ T shuffle(T value, int lane) const {
    return __shfl_sync(kAll, value, lane);
  }
  __device__ std::uint32_t ballot(bool flag) const { return __ballot_sync(kAll, flag); }
  __device__ std::uint32_t match(int value) const { return __match_any_sync(kAll, value); }
  __device__ void* shared() const {
    extern __shared__ __align__(16) unsigned char shared_bytes[];
    return shared_bytes;
  }

 private:
  static constexpr unsigned kAll = 0xffffffffU;
};

template <class Kernel>
__global__ void __launch_bounds__(Kernel::kThreads, 1) run_kernel(const Kernel kernel) {
  kernel.run(CudaThread());
}

// Queues a kernel of at least one block. What went wrong cudaGetLastError() says.
template <class Kernel>
void queue_kernel(const Kernel& kernel, int blocks, std::size_t shared_bytes, cudaStream_t stream) {
  run_kernel<Kernel>
      <<<static_cast<unsigned>(blocks), Kernel::kThreads, shared_bytes, stream>>>(kernel);
}

}  // namespace moesim::model::cuda
