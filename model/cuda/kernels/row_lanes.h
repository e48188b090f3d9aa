// SPDX-License-Identifier: Apache-2.0
// Sums and maxima along a row by sixteen lanes, half a warp: the order of row_sum(), row_dot() and
// row_max() in model/cpu/vector_math.h, so that the bits are the processor's.
#pragma once

#include <cstdint>

#include "model/cuda/device.h"
#include "model/elementary.h"

namespace moesim::model::cuda {

constexpr int kWarp = 32;
constexpr int kRowLanes = 16;
constexpr int kRowThreads = 128;  // of a block whose half warps take a row each
constexpr int kRowsPerBlock = kRowThreads / kRowLanes;

inline int blocks_for_rows(std::int64_t rows) {
  return static_cast<int>(ceil_divide(rows, kRowsPerBlock));
}

// The row of a half warp, and which of its lanes a thread is. Past the last row the row is the last
// and `is_row` false: such lanes compute along and write nothing.
struct RowLane {
  std::int64_t row;
  int lane;
  bool is_row;
};

template <class Thread>
MOESIM_KERNEL_CODE RowLane row_lane(const Thread& thread, std::int64_t rows) {
  const std::int64_t row =
      std::int64_t{thread.block()} * kRowsPerBlock + thread.index() / kRowLanes;
  const bool is_row = row < rows;
  return {is_row ? row : rows - 1, thread.index() % kRowLanes, is_row};
}

// The sum of the half warp's values, pairwise, to all of its lanes.
template <class Thread>
MOESIM_KERNEL_CODE float sum_lanes(const Thread& thread, float value) {
  for (int width = kRowLanes / 2; width > 0; width /= 2) {
    value += thread.shuffle_down(value, width, kRowLanes);
  }
  return thread.shuffle(value, thread.index() % kWarp / kRowLanes * kRowLanes);
}

// The sum of value_at(i) over i in [0, n).
template <class Thread, class ValueAt>
MOESIM_KERNEL_CODE float lanes_sum(const Thread& thread, std::int64_t n, const ValueAt& value_at) {
  float sum = 0;
  for (std::int64_t i = thread.index() % kRowLanes; i < n; i += kRowLanes) sum += value_at(i);
  return sum_lanes(thread, sum);
}

// The largest value_at(i), -infinity where n is 0; NaNs are passed over.
template <class Thread, class ValueAt>
MOESIM_KERNEL_CODE float lanes_max(const Thread& thread, std::int64_t n, const ValueAt& value_at) {
  float largest = vector_math::from_bits(0xff800000U);
  for (std::int64_t i = thread.index() % kRowLanes; i < n; i += kRowLanes) {
    const float value = value_at(i);
    largest = value > largest ? value : largest;
  }
  for (int width = kRowLanes / 2; width > 0; width /= 2) {
    const float other = thread.shuffle_down(largest, width, kRowLanes);
    largest = other > largest ? other : largest;
  }
  return thread.shuffle(largest, thread.index() % kWarp / kRowLanes * kRowLanes);
}

}  // namespace moesim::model::cuda
