// SPDX-License-Identifier: Apache-2.0
// Rows between the tokens' order and the experts': Backend::permute and Backend::combine on the
// device, bit for bit. The combination reads a token's rows in the order of its slots and adds
// nothing atomically, so that two runs have the same bits.
#pragma once

#include <cstdint>

#include "model/cuda/device.h"
#include "model/cuda/gemm/bf16.h"

namespace moesim::model::cuda {

constexpr int kMoveThreads = 128;

// to[i] = weight[i] from[source[i] / divisor] for i in [0, rows).
struct PermuteRows {
  static constexpr int kThreads = kMoveThreads;

  const float* from = nullptr;              // [., width]
  float* to = nullptr;                      // [rows, width]
  const std::int32_t* source = nullptr;     // [rows]
  const float* weights = nullptr;           // [rows]; null: 1
  const std::int32_t* used_rows = nullptr;  // how many rows there are; null: as many as blocks
  std::int64_t width = 0;
  int divisor = 1;  // top_k where `source` are pairs and `from` has a row a token

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t row = thread.block();
    if (used_rows != nullptr && row >= *used_rows) return;
    const float* const source_row = from + source[row] / divisor * width;
    for (std::int64_t j = thread.index(); j < width; j += kThreads) {
      to[row * width + j] = weights == nullptr ? source_row[j] : weights[row] * source_row[j];
    }
  }
};

// to[t] (+)= the sum over slots s, in order, of weights[t, s] from[place[t, s]]; a block a token.
template <class Element>
struct CombineRowsOf {
  static constexpr int kThreads = kMoveThreads;

  const Element* from = nullptr;        // [rows, width]
  float* to = nullptr;                  // [tokens, width]
  const std::int32_t* place = nullptr;  // [tokens, slots], -1 adds nothing
  const float* weights = nullptr;       // [tokens, slots]; null: 1
  std::int64_t width = 0;
  int slots = 1;
  bool accumulate = false;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t first = std::int64_t{thread.block()} * slots;
    float* const row = to + std::int64_t{thread.block()} * width;
    for (std::int64_t j = thread.index(); j < width; j += kThreads) {
      float sum = accumulate ? row[j] : 0.0F;
      for (std::int64_t pair = first; pair < first + slots; ++pair) {
        if (place[pair] < 0) continue;
        const float weight = weights == nullptr ? 1.0F : weights[pair];
        sum += weight * to_float(from[place[pair] * width + j]);
      }
      row[j] = sum;
    }
  }
};
using CombineRows = CombineRowsOf<float>;
using CombineRoundedRows = CombineRowsOf<Bf16>;

// A value of each pair as one of each row, and back.
struct GatherPairs {
  static constexpr int kThreads = kMoveThreads;

  const float* of_pairs = nullptr;        // [pairs]
  float* of_rows = nullptr;               // [rows]
  const std::int32_t* pair_of = nullptr;  // [rows]
  const std::int32_t* used_rows = nullptr;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t row = std::int64_t{thread.block()} * kThreads + thread.index();
    if (row < *used_rows) of_rows[row] = of_pairs[pair_of[row]];
  }
};

struct SpreadToPairs {
  static constexpr int kThreads = kMoveThreads;

  const float* of_rows = nullptr;       // [rows]
  float* of_pairs = nullptr;            // [pairs], 0 where a pair has no row
  const std::int32_t* place = nullptr;  // [pairs]
  std::int64_t pairs = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t pair = std::int64_t{thread.block()} * kThreads + thread.index();
    if (pair < pairs) of_pairs[pair] = place[pair] < 0 ? 0.0F : of_rows[place[pair]];
  }
};

}  // namespace moesim::model::cuda
