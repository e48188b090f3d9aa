// SPDX-License-Identifier: Apache-2.0
// Which thread holds what: the lanes' addresses for ldmatrix, the registers of mma.m16n8k16, and
// the accumulators and matrix descriptors of wgmma. Each map cites its figure of the PTX ISA
// (version 8.7; chapters by title, since their numbers move).
#pragma once

#include <cstdint>

#include "model/cuda/gemm/shared_layout.h"

namespace moesim::model::cuda {

struct Coordinates {
  int row;
  int column;
};

// "Warp-level matrix load instruction: ldmatrix", .x4: lanes 8i to 8i+7 name the lines of 8x8
// matrix i. These are the line and the chunk that a lane names, within the operand's 16 x 16 corner
// at (i, k), so that register r of the result is register r of the mma's operand A, or registers
// (0, 1) and (2, 3) are B of two adjacent column tiles.
// "Matrix fragments for mma.m16n8k16 with floating point type": A's registers are the quadrants
// (rows 0-7, k 0-7), (rows 8-15, k 0-7), (rows 0-7, k 8-15), (rows 8-15, k 8-15); B's are (k 0-7)
// and (k 8-15) of 8 columns.
MOESIM_DEVICE_CODE constexpr int lane_bit(int lane, int bit) { return (lane >> bit) & 1; }

struct LineAndChunk {
  int line;
  int chunk;
};

// K-major A: matrices in the order of the registers. MN-major (.trans): the same quadrants, where
// lines are k's and chunks are rows.
MOESIM_DEVICE_CODE constexpr LineAndChunk a_matrix_line(Major major, int lane) {
  const int row_half = lane_bit(lane, 3);
  const int k_half = lane_bit(lane, 4);
  if (major == Major::k) return {(lane & 7) + 8 * row_half, k_half};
  return {(lane & 7) + 8 * k_half, row_half};
}

// B of 16 columns: column half 0 in registers 0 (k 0-7) and 1 (k 8-15), half 1 in 2 and 3.
// K-major lines are columns; MN-major (.trans) lines are k's.
MOESIM_DEVICE_CODE constexpr LineAndChunk b_matrix_line(Major major, int lane) {
  const int k_half = lane_bit(lane, 3);
  const int column_half = lane_bit(lane, 4);
  if (major == Major::k) return {(lane & 7) + 8 * column_half, k_half};
  return {(lane & 7) + 8 * k_half, column_half};
}

// The same figure's accumulators: of a 16 x 8 tile, register r (0 to 3) of a lane.
MOESIM_DEVICE_CODE constexpr Coordinates mma_accumulator(int lane, int r) {
  return {lane / 4 + 8 * (r / 2), lane % 4 * 2 + r % 2};
}

// "Register fragments and shared memory matrix layouts" of wgmma .m64nNk16, accumulator D: register
// r of a warpgroup's thread.
MOESIM_DEVICE_CODE constexpr Coordinates wgmma_accumulator(int thread, int r) {
  const Coordinates in_tile = mma_accumulator(thread % 32, r % 4);
  return {thread / 32 * 16 + in_tile.row, r / 4 * 8 + in_tile.column};
}

// "Asynchronous warpgroup level matrix shared memory layout, matrix descriptor": bits 0-13 the
// start address / 16, 16-29 the leading dimension's byte offset / 16, 32-45 the stride dimension's
// / 16, 49-51 the base offset (0: tiles lie at multiples of 1,024 bytes), 62-63 the swizzle (1:
// 128 B). With 128-byte swizzle, of a tile of 16 k's:
// - K-major: the stride is between groups of 8 lines (1,024 bytes, dense); the leading offset is
//   not used, k lies within the line. 16 k's further on is 32 bytes further on.
// - MN-major: the leading offset is between blocks of 64 elements, the stride between groups of 8
//   k's. 16 k's further on is 16 lines, 2,048 bytes, further on.
struct WgmmaDescriptor {
  std::uint64_t bits;

  MOESIM_DEVICE_CODE constexpr int start() const { return static_cast<int>(bits & 0x3fff) << 4; }
  MOESIM_DEVICE_CODE constexpr int leading() const {
    return static_cast<int>((bits >> 16) & 0x3fff) << 4;
  }
  MOESIM_DEVICE_CODE constexpr int stride() const {
    return static_cast<int>((bits >> 32) & 0x3fff) << 4;
  }
};

constexpr int kSwizzleLine = 128;               // bytes
constexpr int kSwizzleAtom = 8 * kSwizzleLine;  // bytes after which the pattern repeats
constexpr int kBf16PerLine = kSwizzleLine / 2;  // elements

// Of k's [16 k_step, 16 k_step + 16) of an operand tile whose `first` row or column of its extent
// (a multiple of 8 K-major, of 64 MN-major) lies at byte `address` + its place in `layout`. For
// bf16, and K-major tiles of 64 k's.
MOESIM_DEVICE_CODE constexpr WgmmaDescriptor wgmma_descriptor(const OperandLayout& layout,
                                                              std::uint32_t address, int first,
                                                              int k_step) {
  const bool k_major = layout.major == Major::k;
  const int block = layout.k * kSwizzleLine;  // bytes of 64 elements by all k's, MN-major
  const int start = k_major ? first * kSwizzleLine + k_step * 32
                            : first / kBf16PerLine * block + k_step * 2 * kSwizzleAtom;
  const int leading = k_major ? kChunkBytes : block;
  const std::uint64_t swizzle_128 = 1;
  return {static_cast<std::uint64_t>(((address + start) & 0x3ffff) >> 4) |
          static_cast<std::uint64_t>(leading >> 4) << 16 |
          static_cast<std::uint64_t>(kSwizzleAtom >> 4) << 32 | swizzle_128 << 62};
}

}  // namespace moesim::model::cuda
