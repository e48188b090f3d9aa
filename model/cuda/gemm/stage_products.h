// SPDX-License-Identifier: Apache-2.0
// The product of one stage in shared memory: by a warp with mma.m16n8k16, or by a thread with one
// multiply-add after the other. `Lanes` is the warp: on a device each thread is one lane of it
// (warp_instructions.h), in tests one object is all 32 (tests/support/host_operations.h). It has
//   Registers                        // 4 registers of 32 bits per lane
//   load(registers, at, transposed)  // ldmatrix.x4[.trans], at(lane): byte of a line
//   multiply(sums, a, b, half)       // 16 x 8 sums += a times b's registers 2 half and on
#pragma once

#include "model/cuda/gemm/fragments.h"
#include "model/cuda/gemm/tile_configs.h"

namespace moesim::model::cuda {

// Where a warp of a WarpTile works.
template <class Config>
MOESIM_DEVICE_CODE constexpr Coordinates warp_corner(int warp) {
  return {warp / Config::kWarpColumns * Config::kWarpM,
          warp % Config::kWarpColumns * Config::kWarpN};
}

// The byte that a lane names in ldmatrix for the 16 x 16 corner at (first, 0) of an operand, where
// `line` is the lane's a_matrix_line or b_matrix_line.
MOESIM_DEVICE_CODE constexpr int matrix_byte(const OperandLayout& layout, int first,
                                             LineAndChunk line) {
  if (layout.major == Major::k) return layout.offset(first + line.line, line.chunk);
  return layout.offset(line.line, first / layout.elements_per_chunk() + line.chunk);
}

// From there to the corner at (first + 16 tile, 16 step), of bf16: a tile K-major or a step
// MN-major are 16 lines on, which the swizzle does not see; the other way round two chunks on,
// which the swizzle turns into an exclusive or as long as `first` is a multiple of all tiles' 16
// rows or columns together. One register holds what a lane knows, the rest are constants.
MOESIM_DEVICE_CODE constexpr int matrix_byte_from(const OperandLayout& layout, int byte, int tile,
                                                  int step) {
  const bool k_major = layout.major == Major::k;
  const int lines = k_major ? tile : step;
  const int chunks = k_major ? step : tile;
  const int line_bytes = k_major ? layout.k * layout.element_bytes : 128;
  return (byte ^ (chunks * 2 * kChunkBytes)) + lines * 16 * line_bytes;
}

// sums[i][j] is the 16 x 8 tile at (16 i, 8 j) of the warp's.
template <class Config, class Lanes, class Sums>
MOESIM_KERNEL_CODE void multiply_warp(Lanes& lanes, int warp, Sums& sums, int a_at, int b_at) {
  constexpr OperandLayout kA = TileReader<Config>::a_layout();
  constexpr OperandLayout kB = TileReader<Config>::b_layout();
  constexpr int kRowTiles = Config::kWarpM / 16;
  constexpr int kColumnPairs = Config::kWarpN / 16;
  const Coordinates corner = warp_corner<Config>(warp);
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
  for (int step = 0; step < Config::kK / 16; ++step) {
    typename Lanes::Registers a[kRowTiles], b[kColumnPairs];
    for (int i = 0; i < kRowTiles; ++i) {
      const auto at = [&](int lane) {
        const int byte = matrix_byte(kA, corner.row, a_matrix_line(kA.major, lane));
        return a_at + matrix_byte_from(kA, byte, i, step);
      };
      lanes.load(a[i], at, kA.major == Major::other);
    }
    for (int j = 0; j < kColumnPairs; ++j) {
      const auto at = [&](int lane) {
        const int byte = matrix_byte(kB, corner.column, b_matrix_line(kB.major, lane));
        return b_at + matrix_byte_from(kB, byte, j, step);
      };
      lanes.load(b[j], at, kB.major == Major::other);
    }
    for (int i = 0; i < kRowTiles; ++i) {
      for (int j = 0; j < 2 * kColumnPairs; ++j) {
        lanes.multiply(sums[i][j], a[i], b[j / 2], j % 2);
      }
    }
  }
}

// Where a thread of a ThreadTile works: columns one beside the other.
template <class Config>
MOESIM_DEVICE_CODE constexpr Coordinates thread_corner(int thread) {
  constexpr int kAcross = Config::kN / Config::kThreadN;
  return {thread / kAcross * Config::kThreadM, thread % kAcross * Config::kThreadN};
}

// sums[i][j] += products over k's [0, count_k) of the stage's A and B, in order: one multiply-add
// each.
template <class Config>
MOESIM_DEVICE_CODE void multiply_thread(const char* a_stage, const char* b_stage, int thread,
                                        float (&sums)[Config::kThreadM][Config::kThreadN],
                                        int count_k) {
  using Reader = TileReader<Config>;
  const Coordinates corner = thread_corner<Config>(thread);
  for (int k = 0; k < count_k; ++k) {
    float a[Config::kThreadM], b[Config::kThreadN];
    for (int i = 0; i < Config::kThreadM; ++i) {
      const int at = Reader::a_layout().element(corner.row + i, k);
      a[i] = *reinterpret_cast<const float*>(a_stage + at);
    }
    for (int j = 0; j < Config::kThreadN; ++j) {
      const int at = Reader::b_layout().element(corner.column + j, k);
      b[j] = *reinterpret_cast<const float*>(b_stage + at);
    }
    for (int i = 0; i < Config::kThreadM; ++i) {
      for (int j = 0; j < Config::kThreadN; ++j) sums[i][j] = fmaf(a[i], b[j], sums[i][j]);
    }
  }
}

}  // namespace moesim::model::cuda
