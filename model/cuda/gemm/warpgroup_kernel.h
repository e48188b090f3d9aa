// SPDX-License-Identifier: Apache-2.0
// The warpgroups of warpgroup_roles.h on a device, for nvcc and compute capability 9.0 alone: each
// thread of a warpgroup has one of these.
#pragma once

#include "model/cuda/gemm/warpgroup_instructions.h"
#include "model/cuda/gemm/warpgroup_roles.h"

namespace moesim::model::cuda {

// Maps of a problem's operands, in the order of BoxedName; those that no box names are not set.
struct TensorMaps {
  CUtensorMap of[4];
};

// What all threads of a block know.
template <class ConfigOfBlock>
class DeviceGroup {
 public:
  using Config = ConfigOfBlock;
  static constexpr int kThreads = Config::kGroupThreads;
  struct Sums {
    float of[Config::kBlocks][Config::kN / 2];
  };

  __device__ DeviceGroup(const TensorMaps& maps, char* shared) : maps_(maps), shared_(shared) {}

  __device__ __forceinline__ int block() const { return static_cast<int>(blockIdx.x); }
  __device__ __forceinline__ int blocks() const { return static_cast<int>(gridDim.x); }
  __device__ __forceinline__ const int* before() const { return scan() + kScanThreads; }

  // All threads of the block call it, and wait for each other.
  __device__ __forceinline__ void start(const RowTiles& tiles) const {
    const int thread = static_cast<int>(threadIdx.x);
    for (int stage = 0; thread == 0 && stage < Config::kStages; ++stage) {
      full(stage).start(Config::kGathers ? kThreads : 1);
      empty(stage).start(Config::kConsumersOfTile);
    }
    for (int i = 0; thread == 0 && i < Config::kConsumers; ++i) turn(i).start(kThreads);
    if (thread == 0) publish_barriers();
    if (thread < kScanThreads) sum_run(tiles, thread, scan());
    __syncthreads();
    if (thread < kScanThreads) write_run(tiles, thread, scan(), scan() + kScanThreads);
    __syncthreads();
  }

  template <class Work>
  __device__ __forceinline__ void each_thread(Work&& work) const {
    work(static_cast<int>(threadIdx.x) % kThreads);
  }
  template <class Work>
  __device__ __forceinline__ void each_thread_anew(Work&& work) const {
    work(thread_now() % kThreads);
  }
  template <class Work>
  __device__ __forceinline__ void leader(Work&& work) const {
    if (threadIdx.x % kThreads == 0) work();
  }

  __device__ __forceinline__ void wait_full(int stage, int parity) const {
    full(stage).wait(parity);
  }
  __device__ __forceinline__ void wait_empty(int stage, int parity) const {
    empty(stage).wait(parity);
  }
  __device__ __forceinline__ void arrive_full(int stage) const { full(stage).arrive(); }
  __device__ __forceinline__ void arrive_empty(int stage) const { empty(stage).arrive(); }

  __device__ __forceinline__ void wait_turn(int consumer, int parity) const {
    turn(consumer).wait(parity);
  }
  __device__ __forceinline__ void give_turn(int consumer) const { turn(consumer).arrive(); }

  __device__ __forceinline__ void load_into(int stage) { loaded_ = stage; }
  __device__ __forceinline__ void announce(int bytes) const { full(loaded_).announce(bytes); }
  __device__ __forceinline__ void copy(int to, const ChunkSource& source) const {
    copy_chunk(address(to), source);
  }
  __device__ __forceinline__ void copy(const StageBox& box) const {
    copy_box(maps_.of[static_cast<int>(box.operand)], box, address(0), full(loaded_));
  }
  __device__ __forceinline__ void commit() const { commit_copies(); }
  template <int kLeft>
  __device__ __forceinline__ void wait() const {
    wait_for_copies<kLeft>();
  }
  __device__ __forceinline__ void publish() const { publish_to_async(); }

  __device__ __forceinline__ std::uint32_t address(int byte) const {
    return shared_address(shared_) + static_cast<std::uint32_t>(byte);
  }
  __device__ __forceinline__ float (&sums_of(Sums& sums, int block, int /*thread*/)
                                        const)[Config::kN / 2] {
    return sums.of[block];
  }
  __device__ __forceinline__ void clear(Sums& sums) const {
#pragma unroll
    for (int i = 0; i < Config::kBlocks; ++i) {
#pragma unroll
      for (int r = 0; r < Config::kN / 2; ++r) sums.of[i][r] = 0.0f;
    }
  }
  __device__ __forceinline__ void settle(Sums& sums) const {
#pragma unroll
    for (int i = 0; i < Config::kBlocks; ++i) hold(sums.of[i]);
  }
  __device__ __forceinline__ void begin() const { begin_products(); }
  __device__ __forceinline__ void add(Sums& sums, int block, WgmmaDescriptor a,
                                      WgmmaDescriptor b) const {
    add_product<a_major(Config::kForm) == Major::other, b_major(Config::kForm) == Major::other>(
        sums.of[block], a, b);
  }
  __device__ __forceinline__ void end() const { end_products(); }
  template <int kLeft>
  __device__ __forceinline__ void wait_products() const {
    wait_for_products<kLeft>();
  }

  __device__ __forceinline__ int group() const { return static_cast<int>(threadIdx.x) / kThreads; }
  __device__ __forceinline__ float* slice() const {
    return reinterpret_cast<float*>(shared_ + staging_at<Config>() + (group() - 1) * kSliceBytes);
  }
  __device__ __forceinline__ void barrier() const { wait_for_group(group()); }
  // `count` is a multiple of 128, so that all lanes take part in the shuffles.
  template <bool kSums, class Work, class Finish>
  __device__ __forceinline__ void runs(int count, Work&& work, Finish&& finish) const {
#pragma unroll 1
    for (int i = thread_now() % kThreads; i < count; i += kThreads) {
      float sum = work(i);
      if constexpr (kSums) {
        sum = sum_of_eight(sum);
        if (i % 8 == 0) finish(i / 8, sum);
      }
    }
  }

 private:
  __device__ __forceinline__ int* scan() const {
    return reinterpret_cast<int*>(shared_ + scan_at<Config>());
  }
  __device__ __forceinline__ StageBarrier full(int stage) const {
    return {address(barriers_at<Config>() + stage * 8)};
  }
  __device__ __forceinline__ StageBarrier empty(int stage) const {
    return full(Config::kStages + stage);
  }
  __device__ __forceinline__ StageBarrier turn(int consumer) const {
    return full(2 * Config::kStages + consumer);
  }

  const TensorMaps& maps_;
  char* shared_;
  int loaded_ = 0;
};

// Where nothing is gathered, one thread sends for the boxes and the rest of its warpgroup is done.
template <class Config, class Epilogue>
__device__ __forceinline__ void run_warpgroups(DeviceGroup<Config>& group,
                                               const GroupedProblem<Bf16>& problem,
                                               const Epilogue& epilogue) {
  const TileReader<Config> reader{problem};
  group.start(reader.tiles());
  if (group.group() == 0) {
    give_registers<Config::kLoaderRegisters>();
    if (Config::kGathers || threadIdx.x == 0) load_tiles(group, reader);
  } else {
    take_registers<Config::kConsumerRegisters>();
    multiply_tiles(group, reader, epilogue, group.group() - 1);
  }
}

}  // namespace moesim::model::cuda
