// SPDX-License-Identifier: Apache-2.0
// The product of one tile, written once for all instructions. A source file defines Vector<float>
// and Vector<double> in this file's unnamed namespace, includes this file, and so has kernels of
// its own. The scheme is that of Goto and van de Geijn 2008 ("Anatomy of high-performance matrix
// multiplication") with less copying: of the inner loop's operands, a is read where it lies, and b
// is packed only where its rows are not contiguous or do not fill the vectors.
//
// Vector<S> has: Type, the vector; kWidth, its elements; kRows, the rows of a kernel's block of c,
// so many that two vectors a row fill the registers; load, store and broadcast; fma(a, b, c), which
// is a b + c, rounded once; low and high, the lower and the upper half of x0 y0 x1 y1 ...
#pragma once

#include "model/cpu/gemm_tile.h"

namespace moesim::model {
namespace {

using Size = std::ptrdiff_t;

// Steps of k that are taken at a time: as many as rows of b, two vectors each, fit the first-level
// cache.
constexpr Size kDepth = 256;
constexpr int kMaxVectors = 4;
constexpr int kFewRows = 3;           // with more, kMaxVectors a row would not fit the registers
constexpr int kManyStrips = 2;        // of two vectors of columns: with more, packing a pays
constexpr Size kMaxPackedRows = 128;  // of a; they stay in the second-level cache
constexpr Size kCacheLine = 64;
constexpr Size kPage = 4096;  // rows so far apart share their place in the first-level cache
constexpr Size kAhead = 16;   // rows that are fetched before they are needed

// A block of c, [rows, vectors x width], and what it is computed from.
template <class S>
struct Block {
  Size k;
  const S* a;  // element (i, p) at a[i * a_row + p * a_column]
  Size a_row, a_column;
  const S* b;  // row p at b + p * b_row, contiguous
  Size b_row;
  S* c;
  Size c_row;
  const S* bias;    // a row that c begins with; null: zeros
  bool accumulate;  // c begins with what it is
};

// kRowsLieTogether: a_row is 1, which saves address arithmetic.
template <class S, int kRows, int kVectors, bool kRowsLieTogether>
[[gnu::noinline]] void multiply_block(const Block<S>& block) {
  using V = Vector<S>;
  typename V::Type sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const Size j = v * V::kWidth;
      sum[i][v] = block.accumulate        ? V::load(block.c + i * block.c_row + j)
                  : block.bias != nullptr ? V::load(block.bias + j)
                                          : V::broadcast(S(0));
    }
  }
  const Size a_row = kRowsLieTogether ? 1 : block.a_row;
  const S* a = block.a;
  const S* b = block.b;
  for (Size p = 0; p < block.k; ++p, a += block.a_column, b += block.b_row) {
    if (kRowsLieTogether) __builtin_prefetch(a + kAhead * block.a_column);
    typename V::Type row[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) row[v] = V::load(b + v * V::kWidth);
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const typename V::Type factor = V::broadcast(a[i * a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[i][v] = V::fma(factor, row[v], sum[i][v]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      V::store(block.c + i * block.c_row + v * V::kWidth, sum[i][v]);
    }
  }
}

// The kernel of `rows` rows, at most kRows.
template <class S, int kRows, int kVectors, bool kRowsLieTogether>
void multiply_rows(int rows, const Block<S>& block) {
  if constexpr (kRows > 1) {
    if (rows < kRows) {
      return multiply_rows<S, kRows - 1, kVectors, kRowsLieTogether>(rows, block);
    }
  }
  multiply_block<S, kRows, kVectors, kRowsLieTogether>(block);
}

template <class S, int kVectors>
void multiply_rows(int rows, const Block<S>& block) {
  constexpr int kRows = kVectors > 2 ? kFewRows : Vector<S>::kRows;
  if (block.a_row == 1) {
    multiply_rows<S, kRows, kVectors, true>(rows, block);
  } else {
    multiply_rows<S, kRows, kVectors, false>(rows, block);
  }
}

// Where c has fewer columns than the vectors: on a copy of them.
template <class S, int kVectors>
void multiply_partial(int rows, Size columns, const Block<S>& block) {
  constexpr Size kColumns = kVectors * Vector<S>::kWidth;
  S copy[Vector<S>::kRows * kColumns];
  S bias[kColumns] = {};
  Block<S> whole = block;
  whole.c = copy;
  whole.c_row = kColumns;
  for (Size j = 0; j < columns && block.bias != nullptr; ++j) bias[j] = block.bias[j];
  if (block.bias != nullptr) whole.bias = bias;
  for (Size i = 0; i < rows && block.accumulate; ++i) {
    for (Size j = 0; j < kColumns; ++j) {
      copy[i * kColumns + j] = j < columns ? block.c[i * block.c_row + j] : S(0);
    }
  }
  multiply_rows<S, kVectors>(rows, whole);
  for (Size i = 0; i < rows; ++i) {
    for (Size j = 0; j < columns; ++j) block.c[i * block.c_row + j] = copy[i * kColumns + j];
  }
}

// to[p * kVectors * width + j] = from[j * stride + p] for j < width and p < width: a perfect
// shuffle of the rows, log2(width) times.
template <class S>
void transpose(const S* from, Size stride, S* to, Size to_stride) {
  using V = Vector<S>;
  constexpr int kWidth = V::kWidth;
  typename V::Type rows[kWidth];
#pragma GCC unroll 16
  for (int j = 0; j < kWidth; ++j) rows[j] = V::load(from + j * stride);
#pragma GCC unroll 4
  for (int step = 1; step < kWidth; step *= 2) {
    typename V::Type shuffled[kWidth];
#pragma GCC unroll 8
    for (int j = 0; j < kWidth / 2; ++j) {
      shuffled[2 * j] = V::low(rows[j], rows[j + kWidth / 2]);
      shuffled[2 * j + 1] = V::high(rows[j], rows[j + kWidth / 2]);
    }
#pragma GCC unroll 16
    for (int j = 0; j < kWidth; ++j) rows[j] = shuffled[j];
  }
#pragma GCC unroll 16
  for (int p = 0; p < kWidth; ++p) V::store(to + p * to_stride, rows[p]);
}

// A part of b, [depth, columns].
template <class S>
struct Panel {
  const S* b;
  Size b_row, b_column;
  Size depth, columns;
  Size packed_columns;  // at least as many
};

// What is to be done of the panel's row p, from column `done` on.
template <class S>
void pack_rest_of_row(const Panel<S>& panel, Size p, Size done, S* to) {
  const S* const from = panel.b + p * panel.b_row;
  for (Size j = done; j < panel.columns; ++j) to[j] = from[j * panel.b_column];
  for (Size j = panel.columns; j < panel.packed_columns; ++j) to[j] = S(0);
}

// Of a panel with b_row 1.
template <class S>
void pack_transposed(const Panel<S>& panel, S* packed) {
  constexpr Size kWidth = Vector<S>::kWidth;
  const Size columns = panel.columns / kWidth * kWidth;
  const Size depth = panel.depth / kWidth * kWidth;
  for (Size j = 0; j < columns; j += kWidth) {
    for (Size p = 0; p < depth; p += kWidth) {
      transpose(panel.b + j * panel.b_column + p, panel.b_column,
                packed + p * panel.packed_columns + j, panel.packed_columns);
    }
  }
  if (columns == panel.packed_columns && depth == panel.depth) return;
  for (Size p = 0; p < panel.depth; ++p) {
    pack_rest_of_row(panel, p, p < depth ? columns : 0, packed + p * panel.packed_columns);
  }
}

// Of a panel with b_column 1.
template <class S>
void pack_rows(const Panel<S>& panel, S* packed) {
  using V = Vector<S>;
  const Size columns = panel.columns / V::kWidth * V::kWidth;
  for (Size p = 0; p < panel.depth; ++p, packed += panel.packed_columns) {
    const S* const from = panel.b + p * panel.b_row;
    __builtin_prefetch(from + kAhead * panel.b_row);
    for (Size j = 0; j < columns; j += V::kWidth) V::store(packed + j, V::load(from + j));
    pack_rest_of_row(panel, p, columns, packed);
  }
}

// packed, [depth, packed_columns] = the panel, and zeros beside it.
template <class S>
void pack(const Panel<S>& panel, S* packed) {
  if (panel.b_column == 1) return pack_rows(panel, packed);
  if (panel.b_row == 1) return pack_transposed(panel, packed);
  for (Size p = 0; p < panel.depth; ++p, packed += panel.packed_columns) {
    pack_rest_of_row(panel, p, 0, packed);
  }
}

template <class S>
void multiply_any(int vectors, int rows, Size columns, const Block<S>& block) {
  const bool is_whole = columns == vectors * Vector<S>::kWidth;
  switch (vectors) {
    case 1:
      return is_whole ? multiply_rows<S, 1>(rows, block)
                      : multiply_partial<S, 1>(rows, columns, block);
    case 2:
      return is_whole ? multiply_rows<S, 2>(rows, block)
                      : multiply_partial<S, 2>(rows, columns, block);
    default:
      return is_whole ? multiply_rows<S, 4>(rows, block)
                      : multiply_partial<S, 4>(rows, columns, block);
  }
}

// Whether a block has so few rows that it would leave most of a cache line unused of each column of
// a, again for every strip of columns of c.
template <class S>
constexpr bool kHasLowBlocks = Vector<S>::kRows < 8;

// Whether columns of a are worth bringing together.
template <class S>
bool packs_a(const GemmTile<S>& tile) {
  const Size strip = 2 * Vector<S>::kWidth;
  return kHasLowBlocks<S> && tile.a_row == 1 && tile.n > kManyStrips * strip;
}

// A tile's product, some steps of k and within them a strip of columns after another.
template <class S>
class TileProduct {
 public:
  // At most kMaxPackedRows rows where a is packed.
  explicit TileProduct(const GemmTile<S>& tile)
      : tile_(tile),
        blocks_((tile.m + kRows - 1) / kRows),
        vectors_(tile.m <= kFewRows ? kMaxVectors : 2),
        packs_a_(packs_a(tile)),
        packs_b_(tile.b_column != 1 || tile.b_row * Size{sizeof(S)} % kPage == 0) {}

  void run() {
    do {  // also where k is 0
      depth_ = tile_.k - step_ < kDepth ? tile_.k - step_ : kDepth;
      if (packs_a_) pack_columns_of_a();
      for (Size j = 0; j < tile_.n; j += vectors_ * kWidth) {
        const Size left = tile_.n - j;
        multiply_strip(j, left < vectors_ * kWidth ? left : vectors_ * kWidth);
      }
      step_ += depth_;
    } while (step_ < tile_.k);
  }

 private:
  using V = Vector<S>;
  static constexpr Size kWidth = V::kWidth;
  static constexpr Size kRows = V::kRows;
  // A block's columns of a lie so many numbers apart when they are packed.
  static constexpr Size kPackedStep = (kRows + kWidth - 1) / kWidth * kWidth;
  static constexpr Size kMaxPackedBlocks =
      kHasLowBlocks<S> ? (kMaxPackedRows + kRows - 1) / kRows : 1;

  // Where a block of rows begins. They are dealt out evenly, since a last block of few rows would
  // keep few registers busy.
  Size first_row(Size block) const { return block * tile_.m / blocks_; }

  // What a vector holds beyond its block's rows is not read.
  void pack_columns_of_a() {
    const S* a = tile_.a + step_ * tile_.a_column;
    for (Size p = 0; p < depth_; ++p, a += tile_.a_column) {
      for (Size i = 0; i < blocks_; ++i) {
        const Size row = first_row(i);
        S* const to = packed_a_ + (i * kDepth + p) * kPackedStep;
        if (row + kPackedStep <= tile_.m) {
          for (Size r = 0; r < kPackedStep; r += kWidth) V::store(to + r, V::load(a + row + r));
        } else {
          for (Size r = row; r < tile_.m; ++r) to[r - row] = a[r];
        }
      }
    }
  }

  void multiply_strip(Size first, Size columns) {
    const auto needed = static_cast<int>((columns + kWidth - 1) / kWidth);
    const int vectors = needed == 3 ? 4 : needed;
    Block<S> block{};
    block.k = depth_;
    block.a_row = tile_.a_row;
    block.a_column = packs_a_ ? kPackedStep : tile_.a_column;
    block.b = tile_.b + step_ * tile_.b_row + first * tile_.b_column;
    block.b_row = tile_.b_row;
    if (packs_b_ || columns < vectors * kWidth) {
      pack({block.b, tile_.b_row, tile_.b_column, depth_, columns, vectors * kWidth}, packed_b_);
      block.b = packed_b_;
      block.b_row = vectors * kWidth;
    }
    block.c_row = tile_.c_row;
    block.bias = step_ == 0 && tile_.bias != nullptr ? tile_.bias + first : nullptr;
    block.accumulate = tile_.accumulate || step_ > 0;
    for (Size i = 0; i < blocks_; ++i) {
      const Size row = first_row(i);
      block.a = packs_a_ ? packed_a_ + i * kDepth * kPackedStep
                         : tile_.a + row * tile_.a_row + step_ * tile_.a_column;
      block.c = tile_.c + row * tile_.c_row + first;
      multiply_any(vectors, static_cast<int>(first_row(i + 1) - row), columns, block);
    }
  }

  const GemmTile<S>& tile_;
  Size blocks_;  // of rows
  int vectors_;  // of a strip of columns
  bool packs_a_;
  bool packs_b_;    // where its rows are not contiguous, or all fall into the same cache sets
  Size step_ = 0;   // of k
  Size depth_ = 0;  // steps at a time
  alignas(kCacheLine) S packed_b_[kDepth * kMaxVectors * kWidth];
  alignas(kCacheLine) S packed_a_[kMaxPackedBlocks * kDepth * kPackedStep];
};

template <class S>
void multiply_tile(const GemmTile<S>& tile) {
  const Size rows = packs_a(tile) ? kMaxPackedRows : tile.m;
  for (Size first = 0; first < tile.m; first += rows) {
    GemmTile<S> part = tile;
    part.m = tile.m - first < rows ? tile.m - first : rows;
    part.a += first * tile.a_row;
    part.c += first * tile.c_row;
    TileProduct<S>(part).run();
  }
}

}  // namespace
}  // namespace moesim::model
