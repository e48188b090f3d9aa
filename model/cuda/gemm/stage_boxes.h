// SPDX-License-Identifier: Apache-2.0
// Which parts of a stage come by TMA, as boxes of lines of 64 elements, where a tile's multiplier
// is the warpgroup. What is gathered cannot; nor can the last rows of an expert where rows are k: a
// box would bring the next expert's rows, which have to be zero.
#pragma once

#include "model/cuda/gemm/fragments.h"
#include "model/cuda/gemm/tile_configs.h"

namespace moesim::model::cuda {

// Which of a problem's operands.
enum class BoxedName { a0, a1, b0, b1 };

// Lines [line, line + lines) by columns [column, column + 64) of an expert's matrix (0: of rows),
// to byte `to` of shared memory, a multiple of 1,024. Zero where the operand ends.
struct StageBox {
  BoxedName operand;
  int column;
  int line;
  int expert;
  int lines;
  int to;
};

// What a tensor map describes.
template <class Element>
struct BoxedOperand {
  const Element* data;
  std::int64_t columns;
  std::int64_t lines;   // of an expert; of rows all
  int experts;          // 1: of rows
  std::int64_t stride;  // elements
  std::int64_t expert_stride;
  int box_lines;
};

// By Config, what is boxed at all.
template <class Config>
struct BoxRules {
  static constexpr bool kBoxes = Config::kMultiplier == Multiplier::warpgroup;
  static constexpr bool kA = kBoxes && Config::kForm != Form::into_units;
  static constexpr bool kB = kBoxes && Config::kForm != Form::into_weights;
  static constexpr bool kPartsOfB = Config::kForm == Form::into_units;
  // K-major operands are one box (for each part), others one for 64 rows or columns.
  static constexpr int kBoxesOfA = Config::kForm == Form::into_weights ? Config::kM / 64 : 1;
  static constexpr int kBoxesOfB = kPartsOfB ? Config::kParts : Config::kN / 64;
  static constexpr int kLinesOfA = Config::kForm == Form::into_weights ? Config::kK : Config::kM;
  static constexpr int kLinesOfB = kPartsOfB ? Config::kN / Config::kParts : Config::kK;
};

template <class Config>
BoxedOperand<typename Config::Element> boxed_operand(
    const GroupedProblem<typename Config::Element>& problem, BoxedName name) {
  using Rules = BoxRules<Config>;
  const int i = name == BoxedName::a1 || name == BoxedName::b1 ? 1 : 0;
  if (name == BoxedName::a0 || name == BoxedName::a1) {
    const bool weights = Config::kForm == Form::into_weights;
    const auto& a = problem.a[i];
    return {
        a.data,          weights ? problem.out_rows : problem.depth, problem.rows, 1, a.stride, 0,
        Rules::kLinesOfA};
  }
  const auto& b = problem.b[i];
  const bool units = Config::kForm == Form::into_units;
  return {b.data,
          units ? problem.depth : problem.columns,
          units ? problem.columns : problem.depth,
          problem.experts,
          b.stride,
          b.expert_stride,
          Rules::kLinesOfB};
}

// Whether tensor maps can describe an operand: it and its lines begin at multiples of 16 bytes, and
// strides are below 2^40 bytes (cuTensorMapEncodeTiled, "globalAddress" and "globalStrides").
inline bool can_be_boxed(const GroupedOperand<Bf16>& operand) {
  constexpr std::int64_t kMostElements = (std::int64_t{1} << 40) / sizeof(Bf16);
  return reinterpret_cast<std::uintptr_t>(operand.data) % kChunkBytes == 0 && operand.stride > 0 &&
         operand.stride % kLineElements == 0 && operand.expert_stride % kLineElements == 0 &&
         operand.stride < kMostElements && operand.expert_stride < kMostElements;
}

// Whether warpgroups can compute a product: its operands can be boxed, and none is empty.
inline bool warpgroups_take(Form form, const GroupedProblem<Bf16>& problem) {
  const bool empty = problem.columns == 0 || problem.rows == 0 || problem.experts == 0 ||
                     (form == Form::into_weights ? problem.out_rows : problem.depth) == 0;
  if (empty || problem.experts > kMostGroupedExperts) return false;
  for (int i = 0; i < 2; ++i) {
    if (problem.a[i].data != nullptr && !can_be_boxed(problem.a[i])) return false;
    if (problem.b[i].data != nullptr && !can_be_boxed(problem.b[i])) return false;
  }
  return true;
}

// One stage of a tile, and its boxes.
template <class Config>
struct Stage {
  using Rules = BoxRules<Config>;
  static constexpr int kBoxesOfA = Rules::kBoxesOfA;
  static constexpr int kBoxesOfB = Rules::kBoxesOfB;

  const TileReader<Config>& reader;
  const Tile& tile;
  int k_block;

  MOESIM_DEVICE_CODE constexpr bool has_a() const {
    if (!Rules::kA) return false;
    if (Config::kForm != Form::into_weights) return true;
    return reader.problem.a[0].source == nullptr && reader.count_k(tile, k_block) == Config::kK;
  }
  MOESIM_DEVICE_CODE constexpr bool has_b() const { return Rules::kB; }
  // Of all boxes together.
  MOESIM_DEVICE_CODE constexpr int bytes() const {
    const int b = stage_bytes<Config>() - a_bytes<Config>();
    return (has_a() ? a_bytes<Config>() : 0) + (has_b() ? b : 0);
  }

  MOESIM_DEVICE_CODE constexpr StageBox a(int i, int at) const {
    const int k = reader.first_k(k_block);
    const int to = at + i * Rules::kLinesOfA * kSwizzleLine;
    const int row = static_cast<int>(tile.row);
    if (Config::kForm == Form::into_weights) {
      return {BoxedName::a0, row + 64 * i, tile.first_k_row + k, 0, Rules::kLinesOfA, to};
    }
    return {reader.segment(k_block) == 0 ? BoxedName::a0 : BoxedName::a1,
            k,
            row,
            0,
            Rules::kLinesOfA,
            to};
  }
  MOESIM_DEVICE_CODE constexpr StageBox b(int i, int at) const {
    const int k = reader.first_k(k_block);
    const int to = at + i * Rules::kLinesOfB * kSwizzleLine;
    if (Rules::kPartsOfB) {
      return {i == 0 ? BoxedName::b0 : BoxedName::b1,
              k,
              tile.column,
              tile.expert,
              Rules::kLinesOfB,
              to};
    }
    return {reader.segment(k_block) == 0 ? BoxedName::b0 : BoxedName::b1,
            tile.column + 64 * i,
            k,
            tile.expert,
            Rules::kLinesOfB,
            to};
  }
};

}  // namespace moesim::model::cuda
