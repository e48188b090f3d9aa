// SPDX-License-Identifier: Apache-2.0
// What balancing losses are made of: the experts' shares summed over sequences (balance_loss.h),
// and the z-loss with its slope (z_loss.h), as model/router computes them.
#pragma once

#include <cmath>

#include "model/cuda/kernels/elements.h"
#include "model/cuda/kernels/row_lanes.h"

namespace moesim::model::cuda {

// 1 over a row's sum; 0 where all of it underflowed.
MOESIM_DEVICE_CODE float inverse_of_sum(float sum) { return sum < 0x1p-126F ? 0.0F : 1.0F / sum; }

// inverse[row] = 1 over the sum of the row's scores; half a warp for each row.
struct InverseSums {
  static constexpr int kThreads = kRowThreads;

  const float* scores = nullptr;  // [rows, num_experts]
  float* inverse = nullptr;       // [rows]
  std::int64_t rows = 0;
  std::int64_t num_experts = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const RowLane at = row_lane(thread, rows);
    const float* const row = scores + at.row * num_experts;
    const float sum = lanes_sum(thread, num_experts, [&](std::int64_t e) { return row[e]; });
    if (at.is_row && at.lane == 0) inverse[at.row] = inverse_of_sum(sum);
  }
};

// sums[s, e] = the sum over a sequence's tokens of their shares, in double, in the tokens' order.
struct SumShares {
  static constexpr int kThreads = kElementThreads;

  const float* scores = nullptr;   // [tokens, num_experts]
  const float* inverse = nullptr;  // [tokens]; null: 1, scores are shares
  double* sums = nullptr;          // [sequences, num_experts]
  std::int64_t tokens = 0;
  std::int64_t num_experts = 0;
  std::int64_t seq_length = 1;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t i = element_of(thread);
    const std::int64_t first = i / num_experts * seq_length;
    if (first >= tokens) return;
    const std::int64_t end = first + seq_length < tokens ? first + seq_length : tokens;
    double sum = 0;
    for (std::int64_t t = first; t < end; ++t) {
      const float score = scores[t * num_experts + i % num_experts];
      sum += static_cast<double>(inverse == nullptr ? score : score * inverse[t]);
    }
    sums[i] = sum;
  }
};

// squares[row] = the square of the logarithm of the sum of the row's exponentials.
struct ZLossRows {
  static constexpr int kThreads = kRowThreads;

  const float* logits = nullptr;  // [rows, num_experts]
  double* squares = nullptr;      // [rows]
  std::int64_t rows = 0;
  std::int64_t num_experts = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const RowLane at = row_lane(thread, rows);
    const float* const row = logits + at.row * num_experts;
    const float largest = lanes_max(thread, num_experts, [&](std::int64_t e) { return row[e]; });
    if (!at.is_row || at.lane != 0) return;
    double exponentials = 0;
    for (std::int64_t e = 0; e < num_experts; ++e) {
      exponentials += static_cast<double>(vector_math::exp_value(row[e] - largest));
    }
    const double log_sum = static_cast<double>(largest) + std::log(exponentials);
    squares[at.row] = log_sum * log_sum;
  }
};

// d_logits += factor x log-sum x softmax: the slope of the z-loss.
struct AddZSlope {
  static constexpr int kThreads = kRowThreads;

  const float* logits = nullptr;  // [rows, num_experts]
  float* d_logits = nullptr;      // [rows, num_experts]
  std::int64_t rows = 0;
  std::int64_t num_experts = 0;
  float factor = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const RowLane at = row_lane(thread, rows);
    const float* const row = logits + at.row * num_experts;
    const float largest = lanes_max(thread, num_experts, [&](std::int64_t e) { return row[e]; });
    const auto exponential = [&](std::int64_t e) {
      return vector_math::exp_of_negative(row[e] - largest);
    };
    const float sum = lanes_sum(thread, num_experts, exponential);
    if (!at.is_row) return;
    const float scale = 1.0F / sum;
    const float log_sum = largest + vector_math::log_value(sum);
    for (std::int64_t e = at.lane; e < num_experts; e += kRowLanes) {
      d_logits[at.row * num_experts + e] += factor * log_sum * (exponential(e) * scale);
    }
  }
};

}  // namespace moesim::model::cuda
