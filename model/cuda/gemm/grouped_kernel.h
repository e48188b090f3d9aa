// SPDX-License-Identifier: Apache-2.0
// The grouped product as a persistent block computes it, in phases between which its threads wait
// for each other. The same source runs on a device (device_operations.h) and, thread after thread,
// on the processor that tests it (tests/support/host_operations.h). Operations provide:
//   block(), blocks()                     // which one of how many
//   shared()                              // the block's shared memory, shared_bytes<Config>(...)
//   each_thread(f)                        // f(thread) for the block's threads
//   copy(to, source)                      // 16 bytes of shared memory, not yet there
//   commit(), wait<n>()                   // a group of copies; until all but the last n are there
//   barrier()                             // all threads have come here
//   Accumulators                          // of one tile
//   multiply(accumulators, a, b, count_k) // adds the product of the stages at bytes a and b
//   visit(accumulators, f)                // f(m, n, first, second): (m, n), (m, n + 1) of the tile
//   runs<sums>(count, f, finish)          // f(i) for i < count; with sums of 8 neighbours each,
//                                         // added as a tree: finish(i / 8, sum)
#pragma once

#include "model/cuda/gemm/stage_boxes.h"
#include "model/cuda/gemm/tile_finish.h"

namespace moesim::model::cuda {

// Chunks of an operand's tile: those of `lines` lines, from line `first_line` of the tile on.
template <class Element>
struct TileLines {
  LineBlock<Element> from;
  int first_line;
  int lines;
};

// Copies what thread `thread` of the operand's threads copies, into the stage's byte `at`.
template <class Operations, class Element>
MOESIM_KERNEL_CODE void copy_lines(Operations& operations, int thread, const OperandLayout& layout,
                                   const TileLines<Element>& tile, int at) {
  const int chunks = layout.chunks_per_line();
  for (int i = thread; i < tile.lines * chunks; i += Operations::kThreads) {
    const int line = i / chunks;
    const int to = layout.offset(tile.first_line + line, i % chunks);
    operations.copy(at + to, tile.from.chunk(line, i % chunks));
  }
}

// What one thread does to load a stage's A or B, to byte `at`: the first sends for the boxes, all
// copy what is not boxed chunk by chunk.
template <class Config, class Operations>
MOESIM_KERNEL_CODE void load_a(Operations& operations, int thread, const Stage<Config>& stage,
                               int at) {
  constexpr OperandLayout kLayout = TileReader<Config>::a_layout();
  if constexpr (BoxRules<Config>::kA) {
    if (stage.has_a()) {
      for (int i = 0; thread == 0 && i < stage.kBoxesOfA; ++i) operations.copy(stage.a(i, at));
      return;
    }
  }
  const TileLines<typename Config::Element> lines{stage.reader.a_lines(stage.tile, stage.k_block),
                                                  0, kLayout.lines()};
  copy_lines(operations, thread, kLayout, lines, at);
}

template <class Config, class Operations>
MOESIM_KERNEL_CODE void load_b(Operations& operations, int thread, const Stage<Config>& stage,
                               int at) {
  constexpr OperandLayout kLayout = TileReader<Config>::b_layout();
  constexpr int kParts = Config::kForm == Form::into_units ? Config::kParts : 1;
  constexpr int kLines = kLayout.lines() / kParts;
  if constexpr (BoxRules<Config>::kB) {
    for (int i = 0; thread == 0 && i < stage.kBoxesOfB; ++i) operations.copy(stage.b(i, at));
  } else {
    for (int part = 0; part < kParts; ++part) {
      const TileLines<typename Config::Element> lines{
          stage.reader.b_lines(stage.tile, stage.k_block, part), part * kLines, kLines};
      copy_lines(operations, thread, kLayout, lines, at);
    }
  }
}

// The tile's sums. On return no copy is under way and all threads are done with the stages.
template <class Config, class Operations>
MOESIM_KERNEL_CODE void sum_tile(Operations& operations, const TileReader<Config>& reader,
                                 const Tile& tile,
                                 typename Operations::Accumulators& accumulators) {
  constexpr int kAhead = Config::kStages - 1;
  const auto load = [&](int k_block) {
    if (k_block < tile.k_blocks) {
      const int at = k_block % Config::kStages * stage_bytes<Config>();
      operations.each_thread([&](int thread) {
        const Stage<Config> stage{reader, tile, k_block};
        load_a(operations, thread, stage, at);
        load_b(operations, thread, stage, at + a_bytes<Config>());
      });
    }
    operations.commit();  // a group for each stage, empty at the end, so that wait counts stages
  };
  for (int k_block = 0; k_block < kAhead; ++k_block) load(k_block);
  for (int k_block = 0; k_block < tile.k_blocks; ++k_block) {
    operations.template wait<kAhead - 1>();
    operations.barrier();  // this stage is there, and all are done with the one loaded next
    load(k_block + kAhead);
    const int at = k_block % Config::kStages * stage_bytes<Config>();
    operations.multiply(accumulators, at, at + a_bytes<Config>(), reader.count_k(tile, k_block));
  }
  operations.template wait<0>();
  operations.barrier();
}

template <class Config, class Operations, class Epilogue>
MOESIM_KERNEL_CODE void finish_tile(Operations& operations,
                                    const TileFinish<Config, Epilogue>& finish,
                                    typename Operations::Accumulators& accumulators) {
  using Finish = TileFinish<Config, Epilogue>;
  constexpr StagingLayout kStaging = Finish::staging();
  constexpr int kSliceSize = kSliceRows * kSliceFloats;
  constexpr int kChunks = Finish::kChunksPerRow;
  static_assert(Config::kM * Config::kN * 4 <= Config::kStages * stage_bytes<Config>(),
                "the staging fits where the stages were");
  float* const staging = reinterpret_cast<float*>(operations.shared());
  operations.visit(accumulators, [&](int m, int n, float& first, float& second) {
    const int slice = m / kSliceRows * kStaging.slices_per_row() + kStaging.slice(n);
    const int at = staged_float(m % kSliceRows, kStaging.place(n));
    reinterpret_cast<StagedPair*>(staging)[(slice * kSliceSize + at) / 2] = {first, second};
  });
  operations.barrier();
  const auto row_of = [&](int row) {  // of the rows of all slices
    return row / kSliceRows / kStaging.slices_per_row() * kSliceRows + row % kSliceRows;
  };
  const auto slice_of = [&](int row) { return row / kSliceRows % kStaging.slices_per_row(); };
  operations.template runs<Epilogue::kSumsRows>(
      Config::kM * kStaging.slices_per_row() * kChunks,
      [&](int i) {
        const int row = i / kChunks;
        const float* const slice = staging + row / kSliceRows * kSliceSize;
        return finish.finish(slice, row_of(row), slice_of(row), i % kChunks);
      },
      [&](int row, float sum) { finish.finish_row(row_of(row), slice_of(row), sum); });
  operations.barrier();
}

template <class Config, class Operations, class Epilogue>
MOESIM_KERNEL_CODE void run_grouped(Operations& operations,
                                    const GroupedProblem<typename Config::Element>& problem,
                                    const Epilogue& epilogue) {
  const TileReader<Config> reader{problem};
  int* const sums =
      reinterpret_cast<int*>(operations.shared() + Config::kStages * stage_bytes<Config>());
  int* const before = sums + kScanThreads;
  const RowTiles tiles = reader.tiles();
  operations.each_thread([&](int thread) {
    if (thread < kScanThreads) sum_run(tiles, thread, sums);
  });
  operations.barrier();
  operations.each_thread([&](int thread) {
    if (thread < kScanThreads) write_run(tiles, thread, sums, before);
  });
  operations.barrier();
  for (int index = operations.block(); index < before[problem.experts];
       index += operations.blocks()) {
    const Tile tile = reader.tile(before, index);
    const TileFinish<Config, Epilogue> finish{problem, epilogue, tile};
    typename Operations::Accumulators accumulators;
    operations.visit(accumulators, [](int /*m*/, int /*n*/, float& first, float& second) {
      first = second = 0.0f;
    });
    sum_tile<Config>(operations, reader, tile, accumulators);
    finish_tile<Config>(operations, finish, accumulators);
  }
}

}  // namespace moesim::model::cuda
