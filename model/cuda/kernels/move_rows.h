// SPDX-License-Identifier: Apache-2.0
// Rows between the tokens' order and the experts': Backend::permute and Backend::combine on the
// device, bit for bit. The combination reads a token's rows in the order of its slots and adds
// nothing atomically, so that two runs have the same bits.
#pragma once

#include <cstdint>

#include "model/cuda/device.h"
#include "model/cuda/gemm/epilogues.h"

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

// to[t] (+)= the sum over slots s, in order, of weights[t, s] from[place[t, s]], in fp32; a block a
// token. A thread takes 8 columns at a time where they are 16 bytes in the right place, which
// changes no sum.
template <class Element, class Result = float>
struct CombineRowsOf {
  static constexpr int kThreads = kMoveThreads;

  const Element* from = nullptr;        // [rows, width]
  Result* to = nullptr;                 // [tokens, width]
  const std::int32_t* place = nullptr;  // [tokens, slots], -1 adds nothing
  const float* weights = nullptr;       // [tokens, slots]; null: 1
  std::int64_t width = 0;
  int slots = 1;
  bool accumulate = false;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t token = thread.block();
    if (has_whole_runs()) {
      for (std::int64_t j = std::int64_t{thread.index()} * kChunkColumns; j < width;
           j += std::int64_t{kThreads} * kChunkColumns) {
        combine_run(token, j);
      }
      return;
    }
    for (std::int64_t j = thread.index(); j < width; j += kThreads) combine_one(token, j);
  }

 private:
  static constexpr int kRowsAtOnce = 4;  // that are loaded before the first is added

  MOESIM_KERNEL_CODE bool has_whole_runs() const {
    constexpr std::uintptr_t kRunBytes = 16;
    return width % kChunkColumns == 0 && reinterpret_cast<std::uintptr_t>(from) % kRunBytes == 0 &&
           reinterpret_cast<std::uintptr_t>(to) % kRunBytes == 0;
  }
  MOESIM_KERNEL_CODE float weight_of(std::int64_t pair) const {
    return weights == nullptr ? 1.0F : weights[pair];
  }

  MOESIM_KERNEL_CODE void combine_one(std::int64_t token, std::int64_t column) const {
    Result& result = to[token * width + column];
    float sum = accumulate ? to_float(result) : 0.0F;
    for (std::int64_t pair = token * slots; pair < (token + 1) * slots; ++pair) {
      if (place[pair] < 0) continue;
      sum += weight_of(pair) * to_float(from[place[pair] * width + column]);
    }
    result = to_element<Result>(sum);
  }

  MOESIM_KERNEL_CODE void combine_run(std::int64_t token, std::int64_t column) const {
    Result* const result = to + token * width + column;
    float sum[kChunkColumns] = {};
    if (accumulate) load_run(result, kChunkColumns, sum);
    for (int slot = 0; slot < slots; slot += kRowsAtOnce) {
      const int count = slots - slot < kRowsAtOnce ? slots - slot : kRowsAtOnce;
      add_runs(token * slots + slot, count, column, sum);
    }
    store_run(result, kChunkColumns, sum);
  }

  MOESIM_KERNEL_CODE void add_runs(std::int64_t first_pair, int count, std::int64_t column,
                                   float (&sum)[kChunkColumns]) const {
    float values[kRowsAtOnce][kChunkColumns] = {};
    std::int32_t rows[kRowsAtOnce];
    for (int i = 0; i < kRowsAtOnce; ++i) {
      rows[i] = i < count ? place[first_pair + i] : -1;
      if (rows[i] >= 0) load_run(from + rows[i] * width + column, kChunkColumns, values[i]);
    }
    for (int i = 0; i < kRowsAtOnce; ++i) {
      if (rows[i] < 0) continue;
      const float weight = weight_of(first_pair + i);
      for (int c = 0; c < kChunkColumns; ++c) sum[c] += weight * values[i][c];
    }
  }
};
using CombineRows = CombineRowsOf<float>;
using CombineRoundedRows = CombineRowsOf<Bf16>;
using CombineIntoBf16 = CombineRowsOf<Bf16, Bf16>;

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
