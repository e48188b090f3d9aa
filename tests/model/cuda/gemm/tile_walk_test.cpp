// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/gemm/tile_walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace moesim::model::cuda {
namespace {

struct Walk {
  std::vector<std::int32_t> first_row = {0};
  RowTiles tiles;
  std::vector<int> before;

  Walk(const std::vector<int>& rows, int fixed, int column_tiles) {
    for (const int count : rows) first_row.push_back(first_row.back() + count);
    tiles = {first_row.data(), static_cast<int>(rows.size()), 128, fixed, column_tiles};
    std::vector<int> sums(kScanThreads, -1);
    before.assign(rows.size() + 1, -1);
    for (int thread = 0; thread < kScanThreads; ++thread) sum_run(tiles, thread, sums.data());
    for (int thread = kScanThreads; thread-- > 0;) {
      write_run(tiles, thread, sums.data(), before.data());
    }
  }
};

using Tiles = std::vector<std::tuple<int, int, int>>;  // expert, row tile, column tile

// The tiles as loops say them: every expert's groups of 8 row tiles, columns in each, rows in
// those.
void add_group(int expert, std::pair<int, int> rows, int columns, Tiles& tiles) {
  for (int column = 0; column < columns; ++column) {
    for (int row = rows.first; row < rows.second; ++row) tiles.emplace_back(expert, row, column);
  }
}

Tiles tiles_by_loops(const Walk& walk) {
  Tiles result;
  for (int expert = 0; expert < walk.tiles.experts; ++expert) {
    const int rows = walk.first_row[expert + 1] - walk.first_row[expert];
    const int row_tiles = walk.tiles.fixed >= 0 ? walk.tiles.fixed : (rows + 127) / 128;
    for (int first = 0; first < row_tiles; first += 8) {
      add_group(expert, {first, std::min(first + 8, row_tiles)}, walk.tiles.column_tiles, result);
    }
  }
  return result;
}

TEST(TileWalk, TakesEveryTileOfRaggedExpertsOnceAndInOrder) {
  base::Rng rng(1, "tile walk");
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<int> rows(1 + rng.below(300));
    const std::uint64_t most = rng.below(2) == 0 ? 300 : 4000;
    for (int& count : rows) count = rng.below(3) == 0 ? 0 : static_cast<int>(rng.below(most));
    const int fixed = rng.below(4) == 0 ? static_cast<int>(rng.below(20)) : -1;
    const Walk walk(rows, fixed, 1 + static_cast<int>(rng.below(9)));
    const Tiles expected = tiles_by_loops(walk);
    ASSERT_EQ(walk.before.back(), static_cast<int>(expected.size()));
    for (int tile = 0; tile < walk.before.back(); ++tile) {
      const int expert = expert_of_tile(walk.before.data(), walk.tiles.experts, tile);
      const TilePlace place = walk.tiles.grid(expert).place(tile - walk.before[expert]);
      ASSERT_EQ(std::tuple(expert, place.row_tile, place.column_tile), expected[tile]);
    }
  }
}

// Of 20 row tiles by 3 columns the first 24 tiles are 8 rows by 3 columns, not 20 rows by 1 1/5:
// what 24 blocks read at a time are 8 + 3 lines of tiles, not 20 + 2.
TEST(TileWalk, KeepsTilesThatShareOperandsTogether) {
  std::set<int> rows, columns;
  for (int tile = 0; tile < 24; ++tile) {
    const TilePlace place = TileGrid{20, 3}.place(tile);
    rows.insert(place.row_tile);
    columns.insert(place.column_tile);
  }
  EXPECT_EQ(rows.size(), 8u);
  EXPECT_EQ(columns.size(), 3u);
}

}  // namespace
}  // namespace moesim::model::cuda
