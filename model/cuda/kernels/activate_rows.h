// SPDX-License-Identifier: Apache-2.0
// The experts' activation functions on rows in the experts' order, gated and plain, forward and
// backward: model/layers/expert.cpp and expert_row_backward.h bit for bit; half a warp for each
// row.
#pragma once

#include "model/cuda/kernels/elements.h"
#include "model/cuda/kernels/expert_products.h"
#include "model/cuda/kernels/row_lanes.h"
#include "model/layers/activation_function.h"

namespace moesim::model::cuda {

// The rows of a stack of experts.
struct RowsOfExperts {
  const ExpertSpan* spans = nullptr;  // [experts]
  int experts = 0;
  const std::int32_t* count = nullptr;  // how many rows there are, on the device
  Activation activation = Activation::silu;
  bool gated = true;
  DropoutRule dropout;
};

// activated = f(gate) up, or f(up), with dropout.
struct ActivateRows {
  static constexpr int kThreads = kRowThreads;

  RowsOfExperts rows;
  const float* gate = nullptr;  // null when plain
  const float* up = nullptr;
  float* activated = nullptr;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const RowLane at = row_lane(thread, *rows.count);
    if (!at.is_row) return;
    const ExpertSpan& span = rows.spans[expert_of_row(rows.spans, rows.experts, at.row)];
    const std::int64_t first = span.activations + (at.row - span.first_row) * span.units;
    for (std::int64_t i = first + at.lane; i < first + span.units; i += kRowLanes) {
      const float value = gate != nullptr ? activate(rows.activation, gate[i]).value * up[i]
                                          : activate(rows.activation, up[i]).value;
      activated[i] = value * rows.dropout.factor(i);
    }
  }
};

// In: the values before the function, and in `d` the gradient of the row's weight times the
// activated values, not yet times weight and dropout. Out: gate and up hold their gradients, `d`
// the activated values times the weight, d_weights the gradient of the weight.
struct ActivateRowsBackward {
  static constexpr int kThreads = kRowThreads;

  RowsOfExperts rows;
  float* gate = nullptr;  // null when plain
  float* up = nullptr;
  float* d = nullptr;
  const float* weights = nullptr;  // [rows]; null: 1
  float* d_weights = nullptr;      // [rows]; null: not asked for

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    if (std::int64_t{thread.block()} * kRowsPerBlock >= *rows.count) return;  // the whole block
    const RowLane at = row_lane(thread, *rows.count);
    const ExpertSpan& span = rows.spans[expert_of_row(rows.spans, rows.experts, at.row)];
    const std::int64_t first = span.activations + (at.row - span.first_row) * span.units;
    const float weight = weights == nullptr ? 1.0F : weights[at.row];
    const std::int64_t most = thread_max(thread, span.units);
    float sum = 0;
    for (std::int64_t run_first = 0; run_first < most; run_first += kRun) {
      const std::int64_t left = span.units - run_first;
      const std::int64_t end = left < kRun ? left : kRun;
      float product = 0;
      for (std::int64_t i = at.lane; i < end && at.is_row; i += kRowLanes) {
        product += gate != nullptr ? run_gated(first + run_first + i, weight)
                                   : run_plain(first + run_first + i, weight);
      }
      product = sum_lanes(thread, product);
      if (left > 0) sum += product;
    }
    if (d_weights != nullptr && at.is_row && at.lane == 0) d_weights[at.row] = sum;
  }

 private:
  static constexpr std::int64_t kRun = 128;  // values whose products are summed first

  // The larger of the units of the warp's two rows, which may be of different experts.
  template <class Thread>
  MOESIM_KERNEL_CODE std::int64_t thread_max(const Thread& thread, std::int64_t units) const {
    const auto mine = static_cast<int>(units);
    const int first = thread.shuffle(mine, 0);
    const int second = thread.shuffle(mine, kRowLanes);
    return first > second ? first : second;
  }

  MOESIM_KERNEL_CODE float run_gated(std::int64_t i, float weight) const {
    const ValueAndSlope<float> f = activate(rows.activation, gate[i]);
    const float factor = rows.dropout.factor(i);
    const float activated = factor * f.value * up[i];
    const float da_weighted = weight * factor * d[i];
    const float product = d[i] * activated;
    d[i] = weight * activated;
    gate[i] = da_weighted * up[i] * f.slope;
    up[i] = da_weighted * f.value;
    return product;
  }

  MOESIM_KERNEL_CODE float run_plain(std::int64_t i, float weight) const {
    const ValueAndSlope<float> f = activate(rows.activation, up[i]);
    const float factor = rows.dropout.factor(i);
    const float activated = factor * f.value;
    const float product = d[i] * activated;
    up[i] = weight * factor * d[i] * f.slope;
    d[i] = weight * activated;
    return product;
  }
};

// d_weights[row] += the product of the row's gradient and its expert's bias.
struct AddBiasToWeightGradient {
  static constexpr int kThreads = kRowThreads;

  const ExpertSpan* spans = nullptr;    // [experts]
  const std::int32_t* count = nullptr;  // of rows
  const float* d_output = nullptr;      // [rows, hidden]
  const float* bias = nullptr;          // [experts, hidden]
  float* d_weights = nullptr;           // [rows]
  int experts = 0;
  std::int64_t hidden = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    if (std::int64_t{thread.block()} * kRowsPerBlock >= *count) return;  // the whole block
    const RowLane at = row_lane(thread, *count);
    const float* const row = d_output + at.row * hidden;
    const float* const of_expert = bias + expert_of_row(spans, experts, at.row) * hidden;
    const float sum =
        lanes_sum(thread, hidden, [&](std::int64_t j) { return row[j] * of_expert[j]; });
    if (at.is_row && at.lane == 0) d_weights[at.row] += sum;
  }
};

}  // namespace moesim::model::cuda
