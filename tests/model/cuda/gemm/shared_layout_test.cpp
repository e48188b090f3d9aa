// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/gemm/shared_layout.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "model/cuda/gemm/tile_configs.h"

namespace moesim::model::cuda {
namespace {

// The 16-byte columns of shared memory's banks that 8 accesses of 16 bytes touch.
std::set<int> bank_columns(const OperandLayout& layout, int first_line, int chunk) {
  std::set<int> columns;
  for (int line = first_line; line < first_line + 8; ++line) {
    columns.insert(layout.offset(line, chunk) / kChunkBytes % 8);
  }
  return columns;
}

void expect_layout(const OperandLayout& layout) {
  std::set<int> bytes;
  for (int i = 0; i < layout.extent; ++i) {
    for (int k = 0; k < layout.k; ++k) {
      const int at = layout.element(i, k);
      ASSERT_EQ(at % layout.element_bytes, 0);
      ASSERT_GE(at, 0);
      ASSERT_LT(at, layout.bytes());
      bytes.insert(at);
    }
  }
  EXPECT_EQ(static_cast<int>(bytes.size()), layout.extent * layout.k);
  for (int line = 0; line < layout.lines(); line += 8) {
    for (int chunk = 0; chunk < layout.chunks_per_line(); ++chunk) {
      EXPECT_EQ(bank_columns(layout, line, chunk).size(), 8u) << line << " " << chunk;
    }
  }
}

template <class Config>
void expect_layouts() {
  expect_layout(TileReader<Config>::a_layout());
  expect_layout(TileReader<Config>::b_layout());
}

// And 8 lines' chunks, which ldmatrix and wgmma read at a time, lie in all 32 banks.
TEST(SharedLayout, GivesEachElementOfAnOperandAPlaceOfItsOwn) {
  expect_layouts<WarpTile<Form::into_units, 2>>();
  expect_layouts<WarpTile<Form::into_rows, 1>>();
  expect_layouts<WarpTile<Form::into_weights, 1>>();
  expect_layouts<ThreadTile<Form::into_units, 1>>();
  expect_layouts<ThreadTile<Form::into_weights, 1>>();
  expect_layouts<WarpgroupTile<Form::into_units, 2>>();
  expect_layouts<WarpgroupTile<Form::into_rows, 1>>();
  expect_layouts<WarpgroupTile<Form::into_weights, 1>>();
}

// Line 9 (bytes 1152 to 1279) is the second of its 1,024: its chunk 3 lies where 3 ^ 1 = 2 would.
// With lines of 64 bytes, line 5 is in the third 128 bytes: its chunk 1 lies where 1 ^ 2 = 3 would.
TEST(SharedLayout, SwizzlesAsTheInstructionsDo) {
  EXPECT_EQ(swizzled(9 * 128 + 3 * 16, 128), 9 * 128 + 2 * 16);
  EXPECT_EQ(swizzled(5 * 64 + 16, 64), 5 * 64 + 3 * 16);
}

TEST(SharedLayout, StagesEachAccumulatorOfATileOnce) {
  for (const StagingLayout& staging : {StagingLayout{128, 1}, StagingLayout{128, 2},
                                       StagingLayout{256, 1}, StagingLayout{256, 2}}) {
    std::set<int> places;
    for (int row = 0; row < kSliceRows; ++row) {
      for (int n = 0; n < staging.columns; ++n) {
        ASSERT_LT(staging.slice(n), staging.slices_per_row());
        const int at = staged_float(row, staging.place(n));
        ASSERT_LT(at, kSliceRows * kSliceFloats);
        places.insert(staging.slice(n) * kSliceRows * kSliceFloats + at);
      }
    }
    EXPECT_EQ(static_cast<int>(places.size()), kSliceRows * staging.columns);
  }
}

// Columns 40 of gate and of up (128 each) are found in the same slice, one part after the other.
TEST(SharedLayout, StagesTheColumnsOfBothPartsSideBySide) {
  const StagingLayout staging{256, 2};
  EXPECT_EQ(staging.slice(40), 1);
  EXPECT_EQ(staging.slice(128 + 40), 1);
  EXPECT_EQ(staging.place(40), 8);
  EXPECT_EQ(staging.place(128 + 40), 32 + 8);
}

}  // namespace
}  // namespace moesim::model::cuda
