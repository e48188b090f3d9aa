// SPDX-License-Identifier: Apache-2.0
// Layer normalisation, forward and backward: model/layers/layer_norm.h bit for bit; half a warp for
// each row.
#pragma once

#include <cmath>

#include "model/cuda/kernels/elements.h"
#include "model/cuda/kernels/row_lanes.h"

namespace moesim::model::cuda {

struct NormaliseRows {
  static constexpr int kThreads = kRowThreads;

  const float* x = nullptr;            // [rows, width]
  const float* gain = nullptr;         // [width]
  const float* bias = nullptr;         // [width]
  float* normalised = nullptr;         // [rows, width]
  float* inverse_deviation = nullptr;  // [rows]
  float* y = nullptr;                  // [rows, width]
  std::int64_t rows = 0;
  std::int64_t width = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    constexpr float kVarianceFloor = static_cast<float>(1e-5);
    const RowLane at = row_lane(thread, rows);
    const float* const from = x + at.row * width;
    const auto size = static_cast<float>(width);
    const float mean = lanes_sum(thread, width, [&](std::int64_t j) { return from[j]; }) / size;
    const float variance = lanes_sum(thread, width,
                                     [&](std::int64_t j) {
                                       const float shifted = from[j] - mean;
                                       return shifted * shifted;
                                     }) /
                           size;
    const float inverse = 1.0F / std::sqrt(variance + kVarianceFloor);
    if (!at.is_row) return;
    if (at.lane == 0) inverse_deviation[at.row] = inverse;
    for (std::int64_t j = at.lane; j < width; j += kRowLanes) {
      const float value = (from[j] - mean) * inverse;
      normalised[at.row * width + j] = value;
      y[at.row * width + j] = value * gain[j] + bias[j];
    }
  }
};

// dx += the gradient of x.
struct NormaliseRowsBackward {
  static constexpr int kThreads = kRowThreads;

  const float* normalised = nullptr;         // [rows, width]
  const float* inverse_deviation = nullptr;  // [rows]
  const float* gain = nullptr;               // [width]
  const float* dy = nullptr;                 // [rows, width]
  float* dx = nullptr;                       // [rows, width]
  std::int64_t rows = 0;
  std::int64_t width = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const RowLane at = row_lane(thread, rows);
    const float* const value = normalised + at.row * width;
    const float* const slope_of_y = dy + at.row * width;
    const auto size = static_cast<float>(width);
    const auto scaled = [&](std::int64_t j) { return slope_of_y[j] * gain[j]; };
    const float mean = lanes_sum(thread, width, scaled) / size;
    const float slope =
        lanes_sum(thread, width, [&](std::int64_t j) { return scaled(j) * value[j]; }) / size;
    if (!at.is_row) return;
    const float inverse = inverse_deviation[at.row];
    for (std::int64_t j = at.lane; j < width; j += kRowLanes) {
      dx[at.row * width + j] += (scaled(j) - mean - value[j] * slope) * inverse;
    }
  }
};

constexpr int kNormPiece = 32;  // rows whose gradients of gain and bias are summed first

// The sums over pieces of rows of dy * normalised and of dy; SumColumns adds the pieces up.
struct NormGradientPieces {
  static constexpr int kThreads = kElementThreads;

  const float* normalised = nullptr;  // [rows, width]
  const float* dy = nullptr;          // [rows, width]
  float* pieces = nullptr;            // [pieces, 2 width]: of the gain, then of the bias
  std::int64_t rows = 0;
  std::int64_t width = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t piece = element_of(thread) / width;
    const std::int64_t j = element_of(thread) % width;
    const std::int64_t first = piece * kNormPiece;
    if (first >= rows) return;
    const std::int64_t end = first + kNormPiece < rows ? first + kNormPiece : rows;
    float of_gain = 0;
    float of_bias = 0;
    for (std::int64_t i = first; i < end; ++i) {
      of_gain += dy[i * width + j] * normalised[i * width + j];
      of_bias += dy[i * width + j];
    }
    pieces[piece * 2 * width + j] = of_gain;
    pieces[piece * 2 * width + width + j] = of_bias;
  }
};

}  // namespace moesim::model::cuda
