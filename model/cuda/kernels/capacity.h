// SPDX-License-Identifier: Apache-2.0
// Turns away the pairs for which an expert, or a rank, has no slot: apply_capacity() with overflow
// "drop" (model/router/capacity.h), bit for bit. Works on rows in the experts' order, where the
// rows of an expert, and those of a rank's consecutive experts, lie together. A pair is kept where
// fewer than `capacity` kept pairs of its owner are served before it.
#pragma once

#include <cstdint>

#include "model/cuda/device.h"
#include "model/cuda/kernels/halving.h"
#include "model/cuda/kernels/row_lanes.h"

namespace moesim::model::cuda {

struct TurnAway {
  static constexpr int kThreads = 128;

  const std::int32_t* offsets = nullptr;       // [num_experts + 1]
  const std::int32_t* pair_of = nullptr;       // [rows]
  const std::int32_t* first_expert = nullptr;  // [owners + 1]; null: every expert is an owner
  const float* weights = nullptr;  // [pairs], the highest served first; null: the earliest pairs
  const std::uint8_t* kept = nullptr;  // [pairs] before; null: all
  std::uint8_t* still_kept = nullptr;  // [pairs], another array than `kept`
  int owners = 0;
  int num_experts = 0;
  int capacity = 0;

  // A grid of any size takes all rows.
  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t step = std::int64_t{thread.blocks()} * kThreads;
    const std::int32_t rows = offsets[num_experts];
    for (std::int64_t row = std::int64_t{thread.block()} * kThreads + thread.index(); row < rows;
         row += step) {
      const std::int32_t pair = pair_of[row];
      still_kept[pair] = is_kept(pair) && has_slot(static_cast<std::int32_t>(row)) ? 1 : 0;
    }
  }

 private:
  MOESIM_KERNEL_CODE bool is_kept(std::int32_t pair) const {
    return kept == nullptr || kept[pair] != 0;
  }
  MOESIM_KERNEL_CODE std::int32_t first_row(int owner) const {
    return offsets[first_expert == nullptr ? owner : first_expert[owner]];
  }
  // A weight that is not a number counts as the lowest.
  MOESIM_KERNEL_CODE float weight(std::int32_t pair) const {
    return weights[pair] == weights[pair] ? weights[pair] : -1.0F;
  }
  MOESIM_KERNEL_CODE bool served_before(std::int32_t a, std::int32_t b) const {
    if (weights == nullptr) return a < b;
    const float first = weight(a);
    const float second = weight(b);
    return first != second ? first > second : a < b;
  }

  MOESIM_KERNEL_CODE bool has_slot(std::int32_t row) const {
    const int owner = last_not_after(row, owners, [&](int i) { return first_row(i); });
    const std::int32_t first = first_row(owner);
    const std::int32_t end = first_row(owner + 1);
    if (end - first <= capacity) return true;
    // An expert's rows are in the pairs' order.
    if (weights == nullptr && first_expert == nullptr && kept == nullptr) {
      return row - first < capacity;
    }
    const std::int32_t pair = pair_of[row];
    int before = 0;
    for (std::int32_t other = first; other < end && before < capacity; ++other) {
      if (is_kept(pair_of[other]) && served_before(pair_of[other], pair)) ++before;
    }
    return before < capacity;
  }
};

// The weights that the experts' outputs get: those before drops, scaled, of the kept pairs; with
// `renormalise` the kept weights of a token sum to what all did (model/router/routing_weights.cpp).
struct FinishWeights {
  static constexpr int kThreads = 128;

  const float* before = nullptr;       // [tokens, top_k]
  const std::uint8_t* kept = nullptr;  // [tokens, top_k]; null: all
  float* weights = nullptr;            // [tokens, top_k], 0 where not kept
  float* undropped = nullptr;          // [tokens, top_k], what a dropped pair would have had
  float* factors = nullptr;            // [tokens] of renormalising, 1 where there is none
  float* kept_sums = nullptr;          // [tokens] sum of the kept weights; 0 without renormalising
  int tokens = 0;
  int top_k = 1;
  float scaling = 1;
  bool renormalise = false;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const std::int64_t token = std::int64_t{thread.block()} * kThreads + thread.index();
    if (token >= tokens) return;
    const std::int64_t first = token * top_k;
    float all = 0;
    float kept_sum = 0;
    for (std::int64_t pair = first; pair < first + top_k; ++pair) {
      all += before[pair];
      if (is_kept(pair)) kept_sum += before[pair];
    }
    const bool changes = renormalise && kept != nullptr && kept_sum != all;
    const float factor = !changes ? 1.0F : kept_sum > 0 ? all / kept_sum : 0.0F;
    factors[token] = factor;
    kept_sums[token] = renormalise && kept != nullptr ? kept_sum : 0.0F;
    for (std::int64_t pair = first; pair < first + top_k; ++pair) {
      const float whole = before[pair] * (is_kept(pair) ? scaling * factor : scaling);
      weights[pair] = is_kept(pair) ? whole : 0.0F;
      undropped[pair] = whole;
    }
  }

 private:
  MOESIM_KERNEL_CODE bool is_kept(std::int64_t pair) const {
    return kept == nullptr || kept[pair] != 0;
  }
};

}  // namespace moesim::model::cuda
