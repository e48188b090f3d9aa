// SPDX-License-Identifier: Apache-2.0
// The last step of a tile, the same for every processor: runs of the staged sums go to the
// epilogue, masked at the tile's and output's ends.
#pragma once

#include "model/cuda/gemm/epilogues.h"
#include "model/cuda/gemm/grouped_problem.h"

namespace moesim::model::cuda {

template <class Config, class Epilogue>
struct TileFinish {
  static_assert(Config::kParts == Epilogue::kParts, "a tile has the parts that its epilogue takes");
  static constexpr int kChunksPerRow = kSliceFloats / Config::kParts / kChunkColumns;

  MOESIM_DEVICE_CODE static constexpr StagingLayout staging() {
    return {Config::kN, Config::kParts};
  }

  const GroupedProblem<typename Config::Element>& problem;
  const Epilogue& epilogue;
  const Tile& tile;

  // Chunk `chunk` of row `m` of the tile, which is row m % 64 of `slice`, the slice_column-th of
  // its row of slices. Returns the epilogue's sum.
  MOESIM_DEVICE_CODE float finish(const float* slice, int m, int slice_column, int chunk) const {
    const int at = slice_column * staging().slice_columns() + chunk * kChunkColumns;
    const int column = tile.column + at;
    const int columns = within(problem.columns - column, kChunkColumns);
    if (m >= tile.rows || columns == 0) return 0.0f;
    float values[Config::kParts][kChunkColumns];
    for (int part = 0; part < Config::kParts; ++part) {
      const int in_row = part * staging().slice_columns() + chunk * kChunkColumns;
      const float* const from = slice + staged_float(m % kSliceRows, in_row);
      for (int i = 0; i < kChunkColumns; ++i) values[part][i] = from[i];
    }
    return epilogue.finish({tile.expert, tile.row + m, column, columns}, values);
  }

  // The sum over one row of a slice.
  MOESIM_DEVICE_CODE void finish_row(int m, int slice_column, float sum) const {
    const int column = tile.column + slice_column * staging().slice_columns();
    if constexpr (Epilogue::kSumsRows) {
      if (m < tile.rows && column < problem.columns) {
        epilogue.finish_row(tile.row + m, column, sum);
      }
    }
  }
};

}  // namespace moesim::model::cuda
