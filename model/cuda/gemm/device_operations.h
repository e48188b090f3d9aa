// SPDX-License-Identifier: Apache-2.0
// The grouped kernel's operations (grouped_kernel.h) on a device of compute capability 8.0 or
// later, for nvcc alone: each thread of the block has one of these.
#pragma once

#include "model/cuda/gemm/grouped_kernel.h"
#include "model/cuda/gemm/stage_products.h"
#include "model/cuda/gemm/warp_instructions.h"

namespace moesim::model::cuda {

// This thread's accumulators.
template <class Config, Multiplier = Config::kMultiplier>
class DeviceSums;

template <class Config>
class DeviceSums<Config, Multiplier::warp> {
 public:
  __device__ __forceinline__ void multiply(const char* shared, int a, int b, int /*count_k*/) {
    DeviceLanes lanes(shared_address(shared));
    multiply_warp<Config>(lanes, warp(), sums_, a, b);
  }

  template <class Visit>
  __device__ __forceinline__ void visit(Visit&& visit) {
    const int thread = thread_now();
    const Coordinates corner = warp_corner<Config>(thread / 32);
#pragma unroll
    for (int i = 0; i < kRowTiles * kColumnTiles * 2; ++i) {
      const int row_tile = i / (2 * kColumnTiles);
      const int column_tile = i / 2 % kColumnTiles;
      const int r = i % 2 * 2;
      const Coordinates at = mma_accumulator(thread % 32, r);
      float(&sums)[4] = sums_[row_tile][column_tile];
      visit(corner.row + 16 * row_tile + at.row, corner.column + 8 * column_tile + at.column,
            sums[r], sums[r + 1]);
    }
  }

 private:
  static constexpr int kRowTiles = Config::kWarpM / 16;
  static constexpr int kColumnTiles = Config::kWarpN / 8;

  __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }

  float sums_[kRowTiles][kColumnTiles][4];
};

template <class Config>
class DeviceSums<Config, Multiplier::thread> {
 public:
  __device__ __forceinline__ void multiply(const char* shared, int a, int b, int count_k) {
    multiply_thread<Config>(shared + a, shared + b, static_cast<int>(threadIdx.x), sums_, count_k);
  }

  template <class Visit>
  __device__ __forceinline__ void visit(Visit&& visit) {
    const Coordinates corner = thread_corner<Config>(thread_now());
#pragma unroll
    for (int i = 0; i < Config::kThreadM * Config::kThreadN; i += 2) {
      const int row = i / Config::kThreadN;
      const int column = i % Config::kThreadN;
      visit(corner.row + row, corner.column + column, sums_[row][column], sums_[row][column + 1]);
    }
  }

 private:
  float sums_[Config::kThreadM][Config::kThreadN];
};

template <class ConfigOfBlock>
class DeviceOperations {
 public:
  using Config = ConfigOfBlock;
  using Accumulators = DeviceSums<Config>;
  static constexpr int kThreads = Config::kThreads;

  __device__ explicit DeviceOperations(char* shared) : shared_(shared) {}

  __device__ __forceinline__ int block() const { return static_cast<int>(blockIdx.x); }
  __device__ __forceinline__ int blocks() const { return static_cast<int>(gridDim.x); }
  __device__ __forceinline__ char* shared() const { return shared_; }

  template <class Work>
  __device__ __forceinline__ void each_thread(Work&& work) const {
    work(static_cast<int>(threadIdx.x));
  }
  __device__ __forceinline__ void copy(int to, const ChunkSource& source) const {
    copy_chunk(shared_address(shared_) + static_cast<std::uint32_t>(to), source);
  }
  __device__ __forceinline__ void commit() const { commit_copies(); }
  template <int kLeft>
  __device__ __forceinline__ void wait() const {
    wait_for_copies<kLeft>();
  }
  __device__ __forceinline__ void barrier() const { __syncthreads(); }
  __device__ __forceinline__ void multiply(Accumulators& accumulators, int a, int b,
                                           int count_k) const {
    accumulators.multiply(shared_, a, b, count_k);
  }
  template <class Visit>
  __device__ __forceinline__ void visit(Accumulators& accumulators, Visit&& visit) const {
    accumulators.visit(visit);
  }
  // `count` is a multiple of the block's threads, so that all lanes take part in the shuffles.
  template <bool kSums, class Work, class Finish>
  __device__ __forceinline__ void runs(int count, Work&& work, Finish&& finish) const {
#pragma unroll 1
    for (int i = static_cast<int>(threadIdx.x); i < count; i += kThreads) {
      float sum = work(i);
      if constexpr (kSums) {
        sum = sum_of_eight(sum);
        if (i % 8 == 0) finish(i / 8, sum);
      }
    }
  }

 private:
  char* shared_;
};

}  // namespace moesim::model::cuda
