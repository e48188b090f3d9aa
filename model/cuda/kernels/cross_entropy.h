// SPDX-License-Identifier: Apache-2.0
// Cross entropy over the byte values, forward and backward: model/layers/language_head.h bit for
// bit.
#pragma once

#include "model/cuda/kernels/elements.h"
#include "model/cuda/kernels/row_lanes.h"

namespace moesim::model::cuda {

// The logits become probabilities; half a warp for each row.
struct CrossEntropyRows {
  static constexpr int kThreads = kRowThreads;

  float* logits = nullptr;                // [rows, values]
  const std::uint8_t* targets = nullptr;  // [rows]
  double* losses = nullptr;               // [rows], nats
  std::int64_t rows = 0;
  std::int64_t values = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const RowLane at = row_lane(thread, rows);
    float* const row = logits + at.row * values;
    const float of_target = row[targets[at.row]];
    const float largest = lanes_max(thread, values, [&](std::int64_t j) { return row[j]; });
    const auto exponential = [&](std::int64_t j) {
      return vector_math::exp_of_negative(row[j] - largest);
    };
    const float sum = lanes_sum(thread, values, exponential);
    // Before a lane overwrites what another has read: a shuffle orders no memory.
    thread.sync_warp();
    if (!at.is_row) return;
    const float scale = 1.0F / sum;
    for (std::int64_t j = at.lane; j < values; j += kRowLanes) row[j] = exponential(j) * scale;
    if (at.lane == 0) {
      losses[at.row] = static_cast<double>(largest + vector_math::log_value(sum)) -
                       static_cast<double>(of_target);
    }
  }
};

// Probabilities become the gradient of the logits.
struct CrossEntropyBackwardRows {
  static constexpr int kThreads = kElementThreads;

  float* probabilities = nullptr;         // [rows, values]
  const std::uint8_t* targets = nullptr;  // [rows]
  std::int64_t rows = 0;
  std::int64_t values = 0;
  float scale = 1;  // of the loss, over the number of rows

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t i = element_of(thread);
    if (i >= rows * values) return;
    const bool is_target = targets[i / values] == i % values;
    probabilities[i] = (is_target ? probabilities[i] - 1.0F : probabilities[i]) * scale;
  }
};

}  // namespace moesim::model::cuda
