// SPDX-License-Identifier: Apache-2.0
// Matrix products with the processor's bits (model/cpu/gemm.h): every element is one chain of fused
// multiply-adds over k in order, in fp32 on the plain units. The reference that the tensor cores'
// products are judged by, and what training uses where the bits of both backends are to agree.
#pragma once

#include <cstdint>

#include "model/cuda/device.h"
#include "model/cuda/device_product.h"
#include "model/cuda/kernels/halving.h"
#include "model/elementary.h"

namespace moesim::model::cuda {

// A block's tile of c and the steps of k that it holds of a and b; a thread has 4 x 4 elements.
constexpr int kTile = 64;
constexpr int kTileDepth = 16;
constexpr int kTileSide = 16;  // threads along either side
constexpr int kTilePerThread = kTile / kTileSide;
constexpr int kMultiplyThreads = kTileSide * kTileSide;
constexpr int kTileRow = kTile + 1;  // a column more, so that columns spread over the banks
constexpr std::size_t kMultiplyShared = sizeof(float) * 2 * kTileDepth * kTileRow;

MOESIM_DEVICE_CODE std::int64_t tiles_along(std::int64_t size) {
  return (size + kTile - 1) / kTile;
}
MOESIM_DEVICE_CODE std::int64_t tiles_of(const DeviceProduct& product) {
  return tiles_along(product.m) * tiles_along(product.n);
}

// One tile of one product, by a block.
template <class Thread>
class TileOfProduct {
 public:
  MOESIM_KERNEL_CODE TileOfProduct(const Thread& thread, const DeviceProduct& product,
                                   std::int64_t tile)
      : thread_(thread),
        product_(product),
        first_row_(tile / tiles_along(product.n) * kTile),
        first_column_(tile % tiles_along(product.n) * kTile),
        row_(thread.index() / kTileSide),
        column_(thread.index() % kTileSide),
        a_(static_cast<float*>(thread.shared())),
        b_(a_ + kTileDepth * kTileRow) {}

  MOESIM_KERNEL_CODE void run() {
    begin();
    for (std::int64_t depth = 0; depth < product_.k; depth += kTileDepth) {
      load(depth);
      thread_.sync();
      for (int p = 0; p < kTileDepth; ++p) add_step(p);
      thread_.sync();
    }
    for_elements([&](std::int64_t i, std::int64_t j, float& sum) {
      product_.c[i * product_.c_row + j] = sum;
    });
  }

 private:
  // Calls use(i, j, sum) for the thread's elements that lie in c.
  template <class Use>
  MOESIM_KERNEL_CODE void for_elements(const Use& use) {
    for (int r = 0; r < kTilePerThread; ++r) {
      for (int c = 0; c < kTilePerThread; ++c) {
        const std::int64_t i = first_row_ + row_ + r * kTileSide;
        const std::int64_t j = first_column_ + column_ + c * kTileSide;
        if (i < product_.m && j < product_.n) use(i, j, sums_[r][c]);
      }
    }
  }

  MOESIM_KERNEL_CODE void begin() {
    for_elements([&](std::int64_t i, std::int64_t j, float& sum) {
      sum = product_.accumulate        ? product_.c[i * product_.c_row + j]
            : product_.bias != nullptr ? product_.bias[j]
                                       : 0.0F;
    });
  }

  // Rows of a, or columns of b.
  struct Lines {
    const float* from;
    std::int64_t first;  // of the tile
    std::int64_t count;  // of the operand
    std::int64_t line;   // between elements of neighbouring lines
    std::int64_t step;   // of k
  };

  MOESIM_KERNEL_CODE void load(std::int64_t depth) {
    const DeviceProduct& x = product_;
    load_lines({x.a, first_row_, x.m, x.a_row, x.a_column}, depth, a_);
    load_lines({x.b, first_column_, x.n, x.b_column, x.b_row}, depth, b_);
  }

  // Zeros past the ends: they change no sum.
  MOESIM_KERNEL_CODE void load_lines(const Lines& lines, std::int64_t depth, float* to) {
    const bool by_depth = lines.step == 1;  // along what lies together in memory
    for (int i = thread_.index(); i < kTile * kTileDepth; i += kMultiplyThreads) {
      const int p = by_depth ? i % kTileDepth : i / kTile;
      const int l = by_depth ? i / kTileDepth : i % kTile;
      const bool is_there = lines.first + l < lines.count && depth + p < product_.k;
      to[p * kTileRow + l] =
          is_there ? lines.from[(lines.first + l) * lines.line + (depth + p) * lines.step] : 0.0F;
    }
  }

  MOESIM_KERNEL_CODE void add_step(int p) {
    for (int r = 0; r < kTilePerThread; ++r) {
      const float factor = a_[p * kTileRow + row_ + r * kTileSide];
      for (int c = 0; c < kTilePerThread; ++c) {
        const float other = b_[p * kTileRow + column_ + c * kTileSide];
        sums_[r][c] = vector_math::fused_multiply_add(factor, other, sums_[r][c]);
      }
    }
  }

  const Thread& thread_;
  const DeviceProduct& product_;
  std::int64_t first_row_;
  std::int64_t first_column_;
  int row_;
  int column_;
  float* a_;  // [kTileDepth, kTileRow]
  float* b_;
  float sums_[kTilePerThread][kTilePerThread] = {};
};

struct MultiplyOne {
  static constexpr int kThreads = kMultiplyThreads;

  DeviceProduct product;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    TileOfProduct<Thread>(thread, product, thread.block()).run();
  }
};

// Many products, their tiles one after another; blocks past the last have nothing to do, so that a
// grid can be sized for the most tiles where only the device knows the products' sizes.
struct MultiplyMany {
  static constexpr int kThreads = kMultiplyThreads;

  const DeviceProduct* products = nullptr;   // [count]
  const std::int64_t* first_tile = nullptr;  // [count + 1]
  int count = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t tile = thread.block();
    if (tile >= first_tile[count]) return;
    const int which = last_not_after(tile, count, [&](int i) { return first_tile[i]; });
    TileOfProduct<Thread>(thread, products[which], tile - first_tile[which]).run();
  }
};

}  // namespace moesim::model::cuda
