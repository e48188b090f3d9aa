// SPDX-License-Identifier: Apache-2.0
// Which tiles a grouped product has and in what order persistent blocks take them: expert after
// expert, a ragged number of row tiles each; within an expert, groups of 8 row tiles share a column
// of tiles, so that what runs at a time shares weights and rows in the second-level cache. Block b
// of G takes tiles b, b + G, b + 2 G, ...
#pragma once

#include <cstdint>

#include "model/cuda/device_code.h"

namespace moesim::model::cuda {

MOESIM_DEVICE_CODE constexpr int tiles_of(int count, int size) { return (count + size - 1) / size; }
MOESIM_DEVICE_CODE constexpr int smaller(int a, int b) { return a < b ? a : b; }
MOESIM_DEVICE_CODE constexpr int within(int value, int most) {
  return value < 0 ? 0 : smaller(value, most);
}

constexpr int kRowTilesPerGroup = 8;

struct TilePlace {
  int row_tile;
  int column_tile;
};

// The tiles of one expert.
struct TileGrid {
  int row_tiles;
  int column_tiles;

  MOESIM_DEVICE_CODE constexpr int count() const { return row_tiles * column_tiles; }
  // Of tile `index` in [0, count()).
  MOESIM_DEVICE_CODE constexpr TilePlace place(int index) const {
    const int group = index / (kRowTilesPerGroup * column_tiles);
    const int first = group * kRowTilesPerGroup;
    const int height = smaller(kRowTilesPerGroup, row_tiles - first);
    const int in_group = index - first * column_tiles;
    return {first + in_group % height, in_group / height};
  }
};

// The row tiles of all experts: by their rows, or the same number for each (weight gradients).
struct RowTiles {
  const std::int32_t* first_row;  // [experts + 1]
  int experts;
  int tile_rows;
  int fixed;  // row tiles of each expert; -1: as many as its rows fill
  int column_tiles;

  MOESIM_DEVICE_CODE constexpr int rows(int expert) const {
    return first_row[expert + 1] - first_row[expert];
  }
  MOESIM_DEVICE_CODE constexpr TileGrid grid(int expert) const {
    return {fixed >= 0 ? fixed : tiles_of(rows(expert), tile_rows), column_tiles};
  }
};

// The sums `before[e]` of the tiles of the experts before e, [experts + 1], by kScanThreads threads
// in two passes, and the threads wait for each other after each: first each sums its own run of
// experts, then it starts from the sums of the threads before it.
constexpr int kScanThreads = 32;

MOESIM_DEVICE_CODE constexpr int scan_run(int experts) { return tiles_of(experts, kScanThreads); }

MOESIM_DEVICE_CODE constexpr void sum_run(const RowTiles& tiles, int thread, int* sums) {
  const int run = scan_run(tiles.experts);
  int sum = 0;
  for (int e = thread * run; e < smaller((thread + 1) * run, tiles.experts); ++e) {
    sum += tiles.grid(e).count();
  }
  sums[thread] = sum;
}

MOESIM_DEVICE_CODE constexpr void write_run(const RowTiles& tiles, int thread, const int* sums,
                                            int* before) {
  const int run = scan_run(tiles.experts);
  int sum = 0;
  for (int i = 0; i < thread; ++i) sum += sums[i];
  if (thread == 0) before[0] = 0;
  for (int e = thread * run; e < smaller((thread + 1) * run, tiles.experts); ++e) {
    sum += tiles.grid(e).count();
    before[e + 1] = sum;
  }
}

// The expert of a tile in [0, before[experts]): before[e] <= tile < before[e + 1].
MOESIM_DEVICE_CODE constexpr int expert_of_tile(const int* before, int experts, int tile) {
  int low = 0;
  int high = experts - 1;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (tile < before[middle + 1]) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace moesim::model::cuda
