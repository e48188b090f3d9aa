// SPDX-License-Identifier: Apache-2.0
// A thread for each element of an array, and what is done element by element or column by column.
#pragma once

#include <cstdint>

#include "model/cuda/device.h"
#include "model/cuda/dropout_rule.h"

namespace moesim::model::cuda {

constexpr int kElementThreads = 128;

inline std::int64_t blocks_for_elements(std::int64_t elements) {
  return ceil_divide(elements, kElementThreads);
}

template <class Thread>
MOESIM_KERNEL_CODE std::int64_t element_of(const Thread& thread) {
  return std::int64_t{thread.block()} * kElementThreads + thread.index();
}

struct MultiplyByFactors {
  static constexpr int kThreads = kElementThreads;

  float* values = nullptr;  // [elements]
  std::int64_t elements = 0;
  DropoutRule dropout;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t i = element_of(thread);
    if (i < elements) values[i] *= dropout.factor(i);
  }
};

// to += from.
struct AddElements {
  static constexpr int kThreads = kElementThreads;

  const float* from = nullptr;  // [elements]
  float* to = nullptr;          // [elements]
  std::int64_t elements = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t i = element_of(thread);
    if (i < elements) to[i] += from[i];
  }
};

// Every row becomes `row`.
struct FillRows {
  static constexpr int kThreads = kElementThreads;

  const float* row = nullptr;  // [width]
  float* rows = nullptr;       // [count, width], `stride` apart
  std::int64_t count = 0;
  std::int64_t width = 0;
  std::int64_t stride = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t i = element_of(thread);
    if (i < count * width) rows[i / width * stride + i % width] = row[i % width];
  }
};

// sums (+)= the rows' sum, row after row.
struct SumColumns {
  static constexpr int kThreads = kElementThreads;

  const float* rows = nullptr;  // [count, width], `stride` apart
  float* sums = nullptr;        // [width]
  std::int64_t count = 0;
  std::int64_t width = 0;
  std::int64_t stride = 0;
  bool add = false;
  bool add_first = false;  // begin with what is there, else add it at the end

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t j = element_of(thread);
    if (j >= width) return;
    float sum = add && add_first ? sums[j] : 0.0F;
    for (std::int64_t i = 0; i < count; ++i) sum += rows[i * stride + j];
    sums[j] = add && !add_first ? sums[j] + sum : sum;
  }
};

}  // namespace moesim::model::cuda
