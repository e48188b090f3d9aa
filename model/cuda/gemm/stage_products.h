// SPDX-License-Identifier: Apache-2.0
// The product of one stage in shared memory: by a warp with mma.m16n8k16, or by a thread with one
// multiply-add after the other. `Lanes` is the warp: on a device each thread is one lane of it
// (device_operations.h), on the host one object is all 32 (host_operations.h). It provides
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

// The byte that a lane names in ldmatrix for the 16 x 16 corner at (first, k) of an operand, where
// `line` is the lane's a_matrix_line or b_matrix_line.
MOESIM_DEVICE_CODE constexpr int matrix_byte(const OperandLayout& layout, int first, int k,
                                             LineAndChunk line) {
  const int elements = layout.elements_per_chunk();
  if (layout.major == Major::k) return layout.offset(first + line.line, k / elements + line.chunk);
  return layout.offset(k + line.line, first / elements + line.chunk);
}

// sums[i][j] is the 16 x 8 tile at (16 i, 8 j) of the warp's.
template <class Config, class Lanes, class Sums>
MOESIM_KERNEL_CODE void multiply_warp(Lanes& lanes, int warp, Sums& sums, int a_at, int b_at) {
  using Reader = TileReader<Config>;
  constexpr int kRowTiles = Config::kWarpM / 16;
  constexpr int kColumnPairs = Config::kWarpN / 16;
  const Coordinates corner = warp_corner<Config>(warp);
#if defined(__CUDA_ARCH__)
#pragma unroll
#endif
  for (int k = 0; k < Config::kK; k += 16) {
    typename Lanes::Registers a[kRowTiles], b[kColumnPairs];
    for (int i = 0; i < kRowTiles; ++i) {
      const auto at = [&](int lane) {
        return a_at + matrix_byte(Reader::a_layout(), corner.row + 16 * i, k,
                                  a_matrix_line(Reader::a_layout().major, lane));
      };
      lanes.load(a[i], at, Reader::a_layout().major == Major::other);
    }
    for (int j = 0; j < kColumnPairs; ++j) {
      const auto at = [&](int lane) {
        return b_at + matrix_byte(Reader::b_layout(), corner.column + 16 * j, k,
                                  b_matrix_line(Reader::b_layout().major, lane));
      };
      lanes.load(b[j], at, Reader::b_layout().major == Major::other);
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
