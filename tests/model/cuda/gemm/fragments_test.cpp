// SPDX-License-Identifier: Apache-2.0
// That the maps fit each other and the instructions is in grouped_kernel_test.cpp, whose emulated
// instructions index registers on their own.
#include "model/cuda/gemm/fragments.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "model/cuda/gemm/tile_configs.h"

namespace moesim::model::cuda {
namespace {

TEST(Fragments, CoverEveryElementOfAnMmaTileOnce) {
  std::set<std::pair<int, int>> seen;
  for (int i = 0; i < 32 * 4; ++i) {
    const Coordinates at = mma_accumulator(i / 4, i % 4);
    EXPECT_TRUE(at.row < 16 && at.column < 8);
    seen.emplace(at.row, at.column);
  }
  EXPECT_EQ(seen.size(), 16u * 8u);
}

TEST(Fragments, CoverEveryElementOfAWgmmaTileOnce) {
  for (const int columns : {128, 256}) {
    std::set<std::pair<int, int>> seen;
    for (int i = 0; i < 128 * columns / 2; ++i) {
      const Coordinates at = wgmma_accumulator(i % 128, i / 128);
      ASSERT_TRUE(at.row < 64 && at.column < columns);
      seen.emplace(at.row, at.column);
    }
    EXPECT_EQ(static_cast<int>(seen.size()), 64 * columns);
  }
}

// Read off the figures of the PTX ISA: lane 5 of mma.m16n8k16 has c0 at row 1, column 2, c3 at row
// 9, column 3; thread 70 of a warpgroup is lane 6 of warp 2, and has d6 at row 32 + 1 + 8,
// column 12.
TEST(Fragments, PlaceRegistersAsTheFiguresDo) {
  EXPECT_EQ(mma_accumulator(5, 0).row, 1);
  EXPECT_EQ(mma_accumulator(5, 0).column, 2);
  EXPECT_EQ(mma_accumulator(5, 3).row, 9);
  EXPECT_EQ(mma_accumulator(5, 3).column, 3);
  EXPECT_EQ(wgmma_accumulator(70, 6).row, 41);
  EXPECT_EQ(wgmma_accumulator(70, 6).column, 12);
}

// Gate and up of a tile [64, 128 + 128] are registers r and r + 64 of one thread: the activation
// needs no other thread.
TEST(Fragments, KeepGateAndUpInOneThread) {
  for (int i = 0; i < 128 * 64; ++i) {
    const Coordinates gate = wgmma_accumulator(i / 64, i % 64);
    const Coordinates up = wgmma_accumulator(i / 64, i % 64 + 64);
    EXPECT_EQ(gate.row, up.row);
    EXPECT_EQ(gate.column + 128, up.column);
  }
}

// Row 64 of a K-major tile begins 64 lines of 128 bytes on, the second 16 k's 32 bytes later; rows
// 64 and on of an MN-major one are the second block of 64 k's lines, the third 16 k's 32 lines
// later.
TEST(Fragments, DescribeOperandsWhereTheyLie) {
  const OperandLayout k_major = TileReader<WarpgroupTile<Form::into_units, 2>>::a_layout();
  const WgmmaDescriptor rows = wgmma_descriptor(k_major, 0x8000, 64, 1);
  EXPECT_EQ(rows.start(), 0x8000 + 64 * 128 + 32);
  EXPECT_EQ(rows.stride(), 1024);
  EXPECT_EQ(rows.bits >> 62, 1u);
  EXPECT_EQ(rows.bits >> 46 & 0xffff, 0u);
  const OperandLayout other = TileReader<WarpgroupTile<Form::into_weights, 1>>::a_layout();
  const WgmmaDescriptor columns = wgmma_descriptor(other, 0x8000, 64, 2);
  EXPECT_EQ(columns.start(), 0x8000 + 64 * 128 + 32 * 128);
  EXPECT_EQ(columns.leading(), 64 * 128);
  EXPECT_EQ(columns.stride(), 1024);
}

// The highest address of 227 KiB still fits the descriptor's 14 bits of 16 bytes.
TEST(Fragments, ReachAllOfSharedMemory) {
  const OperandLayout layout{Major::k, 64, 64, 2};
  EXPECT_EQ(wgmma_descriptor(layout, 226 * 1024, 0, 0).start(), 226 * 1024);
}

}  // namespace
}  // namespace moesim::model::cuda
