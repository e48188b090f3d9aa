// SPDX-License-Identifier: Apache-2.0
// What the grouped products in bf16 leave to others: whose rows they gather, the gradients of the
// rows' weights from the sums of their tiles, and those of biases. Sums are fp32, each by one
// thread or one half warp, in an order that nothing changes.
#pragma once

#include <cstdint>

#include "model/cuda/gemm/bf16.h"
#include "model/cuda/kernels/elements.h"
#include "model/cuda/kernels/halving.h"
#include "model/cuda/kernels/row_lanes.h"

namespace moesim::model::cuda {

// Lines in bf16 that a product gathers.
struct Bf16Rows {
  const Bf16* lines = nullptr;
  const std::int32_t* source = nullptr;  // row r is line source[r]; null: line r

  MOESIM_DEVICE_CODE std::int64_t line_of(std::int64_t row) const {
    return source == nullptr ? row : source[row];
  }
};

// The token whose row it is.
struct NameTokensOfRows {
  static constexpr int kThreads = kElementThreads;

  const std::int32_t* pair_of = nullptr;  // [rows]
  const std::int32_t* count = nullptr;    // of rows
  std::int32_t* token_of = nullptr;       // [rows]
  int top_k = 1;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t row = element_of(thread);
    if (row < *count) token_of[row] = pair_of[row] / top_k;
  }
};

// sums[row] = the sum of its pieces, and of the product of its gradient and its expert's bias.
struct SumRowPieces {
  static constexpr int kThreads = kRowThreads;

  const float* pieces = nullptr;  // [rows, columns]
  int columns = 0;
  const std::int32_t* first_row = nullptr;  // [experts + 1]
  int experts = 0;
  float* sums = nullptr;  // [rows]
  Bf16Rows d_output;
  const float* bias = nullptr;  // [experts, hidden]; null: none
  std::int64_t hidden = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int32_t count = first_row[experts];
    if (std::int64_t{thread.block()} * kRowsPerBlock >= count) return;  // the whole block
    const RowLane at = row_lane(thread, count);
    const float* const row = pieces + at.row * columns;
    float sum = lanes_sum(thread, columns, [&](std::int64_t i) { return row[i]; });
    if (bias != nullptr) {
      const Bf16* const line = d_output.lines + d_output.line_of(at.row) * hidden;
      const int expert = last_not_after(at.row, experts, [&](int i) { return first_row[i]; });
      const float* const of_expert = bias + expert * hidden;
      sum += lanes_sum(thread, hidden,
                       [&](std::int64_t j) { return to_float(line[j]) * of_expert[j]; });
    }
    if (at.is_row && at.lane == 0) sums[at.row] = sum;
  }
};

// The gradient of a bias: the sum over an expert's rows, one after another, each times its factor.
struct SumRowsOfExperts {
  static constexpr int kThreads = kElementThreads;

  const std::int32_t* first_row = nullptr;  // [experts + 1]
  int experts = 0;
  Bf16Rows rows;
  std::int64_t stride = 0;         // of the lines
  const float* factors = nullptr;  // [rows]; null: 1
  float* sums = nullptr;           // [experts, width]
  std::int64_t width = 0;
  bool add = false;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t i = element_of(thread);
    if (i >= experts * width) return;
    const std::int64_t expert = i / width;
    float sum = 0;
    for (std::int64_t row = first_row[expert]; row < first_row[expert + 1]; ++row) {
      const float factor = factors == nullptr ? 1.0F : factors[row];
      sum += factor * to_float(rows.lines[rows.line_of(row) * stride + i % width]);
    }
    sums[i] = add ? sums[i] + sum : sum;
  }
};

}  // namespace moesim::model::cuda
