// SPDX-License-Identifier: Apache-2.0
// A product for every expert, out_e = A_e B_e, and what a tile of it reads. Three forms carry all
// of an expert layer, forward and backward, with weights stored [experts, units, hidden]:
//   into_units    rows of the experts by units: A are rows [., hidden], gathered where `source` is
//                 set; B the weights, k = hidden. Gate and up are two parts of one tile.
//   into_rows     rows by hidden: A are rows [., units] in the experts' order (no `source`), B the
//                 weights with k = units. Two segments of k add up: gate's and up's share of an
//                 input's gradient.
//   into_weights  units by hidden: A are rows [., units], B gathered rows [., hidden], k the
//                 expert's rows, none of them included: then the product is zero.
// Lines of every operand begin at multiples of 16 bytes and may be longer than what is read of
// them; what lies past an operand's end is never read, and counts as zero.
#pragma once

#include <cstdint>

#include "model/cuda/gemm/bf16.h"
#include "model/cuda/gemm/shared_layout.h"
#include "model/cuda/gemm/tile_walk.h"

namespace moesim::model::cuda {

enum class Form { into_units, into_rows, into_weights };

MOESIM_DEVICE_CODE constexpr Major a_major(Form form) {
  return form == Form::into_weights ? Major::other : Major::k;
}
MOESIM_DEVICE_CODE constexpr Major b_major(Form form) {
  return form == Form::into_units ? Major::k : Major::other;
}

template <class Element>
struct GroupedOperand {
  const Element* data = nullptr;
  std::int64_t stride = 0;               // elements between lines
  std::int64_t expert_stride = 0;        // elements between experts; 0: lines are rows
  const std::int32_t* source = nullptr;  // row r is line source[r], none where negative; null: r
};

template <class Element>
struct GroupedProblem {
  const std::int32_t* first_row = nullptr;  // [experts + 1], in the device's memory
  std::int64_t rows = 0;  // that buffers of rows have, first_row[experts] at least
  int experts = 0;
  int out_rows = 0;  // into_weights: units; else not used
  int columns = 0;   // of the output, of one part
  int depth = 0;     // k's of one segment; into_weights: not used
  int segments = 1;  // into_rows: 1 or 2 pairs (a, b)
  GroupedOperand<Element> a[2];
  GroupedOperand<Element> b[2];  // into_units: of each part
};

// Where a chunk of a tile comes from: `bytes` from `from`, the rest of the 16 bytes zero.
struct ChunkSource {
  const void* from;
  int bytes;
};

// A rectangle of an operand in memory.
template <class Element>
struct LineBlock {
  const Element* data;  // of the expert
  std::int64_t stride;
  const std::int32_t* source;
  std::int64_t first_line;
  int lines;         // that are there; the rest of a tile is zero
  int first_column;  // a multiple of a chunk's elements
  int end_column;    // columns from here on are zero

  MOESIM_DEVICE_CODE constexpr ChunkSource chunk(int line, int index) const {
    constexpr int kElements = kChunkBytes / static_cast<int>(sizeof(Element));
    const int column = first_column + index * kElements;
    const int count = within(end_column - column, kElements);
    if (line >= lines || count == 0) return {data, 0};
    const std::int64_t row = first_line + line;
    const std::int64_t from = source != nullptr ? source[row] : row;
    if (from < 0) return {data, 0};
    return {data + (from * stride + column), count * static_cast<int>(sizeof(Element))};
  }
};

// One tile of the output and the rows of its expert.
struct Tile {
  int expert;
  std::int64_t row;  // of the output: in the experts' order; into_weights: a unit
  int rows;          // of the tile that are there
  int column;        // of a part
  int first_k_row;   // into_weights: the expert's first row
  int k_rows;        // into_weights: how many it has
  int k_blocks;      // stages of k; 0 where an expert of into_weights has no rows
};

// What the tiles of a problem are and read. Config has kForm, kM, kN (of all parts), kK, kParts and
// Element.
template <class Config>
struct TileReader {
  using Element = typename Config::Element;
  static constexpr Form kForm = Config::kForm;
  static constexpr int kPartColumns = Config::kN / Config::kParts;
  static constexpr int kElementBytes = static_cast<int>(sizeof(Element));

  MOESIM_DEVICE_CODE static constexpr OperandLayout a_layout() {
    return {a_major(kForm), Config::kM, Config::kK, kElementBytes};
  }
  MOESIM_DEVICE_CODE static constexpr OperandLayout b_layout() {
    return {b_major(kForm), Config::kN, Config::kK, kElementBytes};
  }

  const GroupedProblem<Element>& problem;

  MOESIM_DEVICE_CODE constexpr RowTiles tiles() const {
    const int fixed = kForm == Form::into_weights ? tiles_of(problem.out_rows, Config::kM) : -1;
    return {problem.first_row, problem.experts, Config::kM, fixed,
            tiles_of(problem.columns, kPartColumns)};
  }

  // `before` are the sums of tile_walk.h.
  MOESIM_DEVICE_CODE constexpr Tile tile(const int* before, int index) const {
    const int expert = expert_of_tile(before, problem.experts, index);
    const RowTiles all = tiles();
    const TilePlace place = all.grid(expert).place(index - before[expert]);
    const int first = place.row_tile * Config::kM;
    const int rows = all.rows(expert);
    const int first_row = problem.first_row[expert];
    const int column = place.column_tile * kPartColumns;
    if (kForm == Form::into_weights) {
      const int out_rows = smaller(Config::kM, problem.out_rows - first);
      return {expert, first, out_rows, column, first_row, rows, tiles_of(rows, Config::kK)};
    }
    return {expert,
            first_row + first,
            smaller(Config::kM, rows - first),
            column,
            0,
            0,
            problem.segments * segment_blocks()};
  }

  MOESIM_DEVICE_CODE constexpr int segment_blocks() const {
    return tiles_of(problem.depth, Config::kK);
  }
  MOESIM_DEVICE_CODE constexpr int segment(int k_block) const {
    return problem.segments == 1 || k_block < segment_blocks() ? 0 : 1;
  }
  // First k of a stage, within its segment or its expert's rows, and how many there are.
  MOESIM_DEVICE_CODE constexpr int first_k(int k_block) const {
    if (kForm == Form::into_weights) return k_block * Config::kK;
    return (k_block - segment(k_block) * segment_blocks()) * Config::kK;
  }
  MOESIM_DEVICE_CODE constexpr int count_k(const Tile& tile, int k_block) const {
    const int depth = kForm == Form::into_weights ? tile.k_rows : problem.depth;
    return smaller(Config::kK, depth - first_k(k_block));
  }

  MOESIM_DEVICE_CODE constexpr LineBlock<Element> a_lines(const Tile& tile, int k_block) const {
    const int k = first_k(k_block);
    if (kForm == Form::into_weights) {
      const GroupedOperand<Element>& a = problem.a[0];
      return {a.data,
              a.stride,
              a.source,
              tile.first_k_row + k,
              count_k(tile, k_block),
              static_cast<int>(tile.row),
              problem.out_rows};
    }
    const GroupedOperand<Element>& a = problem.a[segment(k_block)];
    return {a.data, a.stride, a.source, tile.row, tile.rows, k, problem.depth};
  }

  // into_units: of one part, which fills lines [part * kPartColumns, (part + 1) * kPartColumns) of
  // the tile of B; else `part` is 0.
  MOESIM_DEVICE_CODE constexpr LineBlock<Element> b_lines(const Tile& tile, int k_block,
                                                          int part) const {
    const int k = first_k(k_block);
    if (kForm == Form::into_weights) {
      const GroupedOperand<Element>& b = problem.b[0];
      return {b.data,      b.stride,       b.source, tile.first_k_row + k, count_k(tile, k_block),
              tile.column, problem.columns};
    }
    const bool units = kForm == Form::into_units;
    const GroupedOperand<Element>& b = problem.b[units ? part : segment(k_block)];
    const Element* const data = b.data + tile.expert * b.expert_stride;
    if (units) {
      return {data,
              b.stride,
              nullptr,
              tile.column,
              within(problem.columns - tile.column, kPartColumns),
              k,
              problem.depth};
    }
    return {data, b.stride, nullptr, k, count_k(tile, k_block), tile.column, problem.columns};
  }
};

}  // namespace moesim::model::cuda
