// SPDX-License-Identifier: Apache-2.0
// The grouped product with wgmma, for nvcc and compute capability 9.0 alone. One warpgroup of a
// persistent block loads stages, two multiply: both the same tile, or tiles in turn, so that one
// finishes its tile while the other multiplies. What a stage holds, where it lies and what becomes
// of sums is that of grouped_kernel.h; here is who waits for whom.
//
// Each stage has two barriers. `full`: its bytes are there; where chunks are gathered, each loading
// thread waits for its own, publishes them to the products (they were written by other means than
// TMA's) and arrives. `empty`: those who multiply are done with it.
#pragma once

#include "model/cuda/gemm/grouped_kernel.h"
#include "model/cuda/gemm/stage_products.h"
#include "model/cuda/gemm/warpgroup_instructions.h"

namespace moesim::model::cuda {

// Maps of a problem's operands, in the order of BoxedName; those that no box names are not set.
struct TensorMaps {
  CUtensorMap of[4];
};

// Which stage is next, and how often the stages have gone around.
template <class Config>
struct StageRing {
  int stage = 0;
  int parity = 0;

  __device__ __forceinline__ void go_on() {
    if (++stage == Config::kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
  // Past the stages of a tile that others multiply.
  __device__ __forceinline__ void skip(int stages) {
    stage += stages;
    parity ^= stage / Config::kStages & 1;
    stage %= Config::kStages;
  }
};

// What all threads of a block know.
template <class Config>
struct WarpgroupBlock {
  using Problem = GroupedProblem<Bf16>;

  const Problem& problem;
  const TensorMaps& maps;
  char* shared;

  __device__ __forceinline__ TileReader<Config> reader() const { return {problem}; }
  __device__ __forceinline__ const int* before() const {
    return reinterpret_cast<const int*>(shared + scan_at<Config>()) + kScanThreads;
  }
  __device__ __forceinline__ int tiles() const { return before()[problem.experts]; }
  __device__ __forceinline__ StageBarrier full(int stage) const {
    return {shared_address(shared + barriers_at<Config>()) + static_cast<std::uint32_t>(stage) * 8};
  }
  __device__ __forceinline__ StageBarrier empty(int stage) const {
    return full(Config::kStages + stage);
  }

  // All threads call it, and wait for each other.
  __device__ __forceinline__ void start() const {
    const int thread = static_cast<int>(threadIdx.x);
    for (int stage = 0; thread == 0 && stage < Config::kStages; ++stage) {
      full(stage).start(Config::kGathers ? Config::kGroupThreads : 1);
      empty(stage).start(Config::kConsumersOfTile);
    }
    if (thread == 0) publish_barriers();
    int* const sums = reinterpret_cast<int*>(shared + scan_at<Config>());
    const RowTiles tiles = reader().tiles();
    if (thread < kScanThreads) sum_run(tiles, thread, sums);
    __syncthreads();
    if (thread < kScanThreads) write_run(tiles, thread, sums, sums + kScanThreads);
    __syncthreads();
  }
};

// The loading warpgroup's operations for load_a and load_b (grouped_kernel.h).
template <class Config>
struct StageLoader {
  static constexpr int kThreads = Config::kGroupThreads;

  const TensorMaps& maps;
  std::uint32_t shared;
  StageBarrier full;

  __device__ __forceinline__ void copy(int to, const ChunkSource& source) const {
    copy_chunk(shared + static_cast<std::uint32_t>(to), source);
  }
  __device__ __forceinline__ void copy(const StageBox& box) const {
    copy_box(maps.of[static_cast<int>(box.operand)], box, shared, full);
  }
};

// The stages that a loading thread has filled, said to be full in their order. Gathered chunks are
// sure to be there when kUnderWay more stages have been sent for.
template <class Config>
struct StageArrivals {
  static constexpr int kUnderWay = 2;
  static_assert(!Config::kGathers || kUnderWay < Config::kStages, "else all wait for each other");

  const WarpgroupBlock<Config>& block;
  StageRing<Config> ring;
  int under_way = 0;

  __device__ __forceinline__ void arrive() {
    publish_to_async();
    block.full(ring.stage).arrive();
    ring.go_on();
    --under_way;
  }
  // One more stage has been sent for.
  __device__ __forceinline__ void add(int thread) {
    if constexpr (Config::kGathers) {
      commit_copies();
      if (++under_way <= kUnderWay) return;
      wait_for_copies<kUnderWay>();
      arrive();
    } else {
      if (thread == 0) block.full(ring.stage).arrive();
      ring.go_on();
    }
  }
  __device__ __forceinline__ void finish() {
    if constexpr (Config::kGathers) wait_for_copies<0>();
    while (under_way > 0) arrive();
  }
};

template <class Config>
__device__ __forceinline__ void load_tiles(const WarpgroupBlock<Config>& block, int thread) {
  const TileReader<Config> reader = block.reader();
  StageRing<Config> ring;
  StageArrivals<Config> arrivals{block};
  for (int index = static_cast<int>(blockIdx.x); index < block.tiles();
       index += static_cast<int>(gridDim.x)) {
    const Tile tile = reader.tile(block.before(), index);
    for (int k_block = 0; k_block < tile.k_blocks; ++k_block) {
      const Stage<Config> stage{reader, tile, k_block};
      const int at = ring.stage * stage_bytes<Config>();
      StageLoader<Config> loader{block.maps, shared_address(block.shared), block.full(ring.stage)};
      block.empty(ring.stage).wait(ring.parity ^ 1);
      if (thread == 0 && stage.bytes() > 0) loader.full.announce(stage.bytes());
      load_a(loader, thread, stage, at);
      load_b(loader, thread, stage, at + a_bytes<Config>());
      ring.go_on();
      arrivals.add(thread);
    }
  }
  arrivals.finish();
}

// The tile's products, by the warpgroup that multiplies rows [64 first_block, ...) of it. Of two
// stages that follow each other the products are under way at the same time.
template <class Config>
__device__ __forceinline__ void multiply_tile(const WarpgroupBlock<Config>& block, const Tile& tile,
                                              int first_block, StageRing<Config>& ring,
                                              float (&sums)[Config::kBlocks][Config::kN / 2]) {
  constexpr OperandLayout kA = TileReader<Config>::a_layout();
  constexpr OperandLayout kB = TileReader<Config>::b_layout();
  const bool leads = threadIdx.x % Config::kGroupThreads == 0;
  int done = ring.stage;
#pragma unroll
  for (int i = 0; i < Config::kBlocks; ++i) hold(sums[i]);
  for (int k_block = 0; k_block < tile.k_blocks; ++k_block) {
    block.full(ring.stage).wait(ring.parity);
    const std::uint32_t a = shared_address(block.shared + ring.stage * stage_bytes<Config>());
    begin_products();
#pragma unroll
    for (int step = 0; step < Config::kK / 16; ++step) {
      const WgmmaDescriptor in_b = wgmma_descriptor(kB, a + a_bytes<Config>(), 0, step);
#pragma unroll
      for (int i = 0; i < Config::kBlocks; ++i) {
        const WgmmaDescriptor in_a = wgmma_descriptor(kA, a, 64 * (first_block + i), step);
        add_product<kA.major == Major::other, kB.major == Major::other>(sums[i], in_a, in_b);
      }
    }
    end_products();
    wait_for_products<1>();
    if (leads && k_block > 0) block.empty(done).arrive();
    done = ring.stage;
    ring.go_on();
  }
  wait_for_products<0>();
  if (leads && tile.k_blocks > 0) block.empty(done).arrive();
#pragma unroll
  for (int i = 0; i < Config::kBlocks; ++i) hold(sums[i]);
}

// Of slice `slice` of 64 rows' accumulators, group q (0 to 7) of 8 columns: registers
// [4 g, 4 g + 4) of g = the group's place among all.
template <class Config>
__device__ constexpr int register_group(int slice, int q) {
  constexpr int kGroups = kSliceFloats / Config::kParts / 8;  // of one part
  return q / kGroups * (Config::kN / Config::kParts / 8) + slice * kGroups + q % kGroups;
}

// Stages 64 rows by 64 columns of sums in the warpgroup's own slice, and lets the epilogue have
// them.
template <class Config, class Epilogue>
struct WarpgroupFinish {
  using Finish = TileFinish<Config, Epilogue>;
  static constexpr int kSlices = Config::kN / kSliceFloats;

  const Finish& finish;
  float* slice;
  int name;  // of the warpgroup's barrier

  template <int kSlice>
  __device__ __forceinline__ void stage(const float (&sums)[Config::kN / 2], int thread) const {
#pragma unroll
    for (int i = 0; i < kSliceFloats / 4; ++i) {
      const int r = 4 * register_group<Config>(kSlice, i / 2) + i % 2 * 2;
      const Coordinates at = wgmma_accumulator(thread, r);
      const int to = staged_float(at.row, Finish::staging().place(at.column));
      reinterpret_cast<StagedPair*>(slice)[to / 2] = {sums[r], sums[r + 1]};
    }
  }

  __device__ __forceinline__ void store(int first_row, int slice_column, int thread) const {
    constexpr int kChunks = Finish::kChunksPerRow;
#pragma unroll 1
    for (int i = thread; i < kSliceRows * kChunks; i += Config::kGroupThreads) {
      const int row = first_row + i / kChunks;
      float sum = finish.finish(slice, row, slice_column, i % kChunks);
      if constexpr (Epilogue::kSumsRows) {
        sum = sum_of_eight(sum);
        if (i % kChunks == 0) finish.finish_row(row, slice_column, sum);
      }
    }
  }

  template <int kSlice = 0>
  __device__ __forceinline__ void block(const float (&sums)[Config::kN / 2], int first_row) const {
    const int thread = thread_now() % Config::kGroupThreads;
    stage<kSlice>(sums, thread);
    wait_for_group(name);
    store(first_row, kSlice, thread);
    wait_for_group(name);
    if constexpr (kSlice + 1 < kSlices) block<kSlice + 1>(sums, first_row);
  }
};

template <class Config, class Epilogue>
__device__ __forceinline__ void multiply_tiles(const WarpgroupBlock<Config>& block,
                                               const Epilogue& epilogue, int consumer) {
  const TileReader<Config> reader = block.reader();
  const int first_block = Config::kTakesTurns ? 0 : consumer * Config::kBlocks;
  float* const slice =
      reinterpret_cast<float*>(block.shared + staging_at<Config>() + consumer * kSliceBytes);
  StageRing<Config> ring;
  int turn = 0;
  for (int index = static_cast<int>(blockIdx.x); index < block.tiles();
       index += static_cast<int>(gridDim.x)) {
    const Tile tile = reader.tile(block.before(), index);
    if (Config::kTakesTurns && (turn++ & 1) != consumer) {
      ring.skip(tile.k_blocks);
      continue;
    }
    const TileFinish<Config, Epilogue> finish{block.problem, epilogue, tile};
    float sums[Config::kBlocks][Config::kN / 2];
#pragma unroll
    for (int i = 0; i < Config::kBlocks; ++i) {
#pragma unroll
      for (int r = 0; r < Config::kN / 2; ++r) sums[i][r] = 0.0f;
    }
    multiply_tile(block, tile, first_block, ring, sums);
    const WarpgroupFinish<Config, Epilogue> last{finish, slice, 1 + consumer};
#pragma unroll
    for (int i = 0; i < Config::kBlocks; ++i) last.block(sums[i], 64 * (first_block + i));
  }
}

template <class Config, class Epilogue>
__device__ __forceinline__ void run_warpgroups(const WarpgroupBlock<Config>& block,
                                               const Epilogue& epilogue) {
  block.start();
  const int group = static_cast<int>(threadIdx.x) / Config::kGroupThreads;
  if (group == 0) {
    give_registers<Config::kLoaderRegisters>();
    if (Config::kGathers || threadIdx.x == 0) load_tiles(block, static_cast<int>(threadIdx.x));
  } else {
    take_registers<Config::kConsumerRegisters>();
    multiply_tiles(block, epilogue, group - 1);
  }
}

}  // namespace moesim::model::cuda
