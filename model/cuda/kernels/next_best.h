// SPDX-License-Identifier: Apache-2.0
// Sends the pairs that were turned away to the token's next best expert with room: apply_capacity()
// with overflow "next_best" (model/router/capacity.h), bit for bit. One pair follows another, since
// each takes a slot; a single block looks for the next pair and for its expert.
#pragma once

#include <cstdint>

#include "model/cuda/kernels/route_tokens.h"

namespace moesim::model::cuda {

struct SendToNextBest {
  static constexpr int kThreads = 256;

  const float* scores = nullptr;          // [tokens, num_experts]
  const float* weights = nullptr;         // [pairs], the highest served first; null: by position
  const std::int32_t* offsets = nullptr;  // [num_experts + 1] of the kept pairs' order
  const std::int32_t* first_expert = nullptr;  // [ranks + 1]
  std::int32_t* experts = nullptr;             // [pairs], changed
  std::uint8_t* kept = nullptr;                // [pairs], changed
  int pairs = 0;
  int top_k = 1;
  int num_experts = 0;
  int ranks = 1;
  int expert_capacity = 0;
  int rank_capacity = 0;

  static std::size_t shared_bytes(int num_experts, int ranks) {
    return sizeof(Candidate) * kThreads / kWarp +
           sizeof(std::int32_t) * static_cast<std::size_t>(num_experts + ranks);
  }

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    auto* const firsts = static_cast<Candidate*>(thread.shared());  // [warps]
    auto* const taken = reinterpret_cast<std::int32_t*>(firsts + kThreads / kWarp);
    std::int32_t* const of_rank = taken + num_experts;
    for (int e = thread.index(); e < num_experts; e += kThreads) {
      taken[e] = offsets[e + 1] - offsets[e];
    }
    for (int r = thread.index(); r < ranks; r += kThreads) {
      of_rank[r] = offsets[first_expert[r + 1]] - offsets[first_expert[r]];
    }
    thread.sync();
    for (Candidate pair = first_of_all();;) {
      pair = next_pair(thread, firsts, pair);
      if (pair.index == last_of_all().index) return;  // the whole block
      const Candidate expert = best_with_room(thread, firsts, taken, pair.index);
      if (thread.index() == 0 && expert.index != last_of_all().index) {
        ++taken[expert.index];
        ++of_rank[rank_of(expert.index)];
        experts[pair.index] = expert.index;
        kept[pair.index] = 1;
      }
      thread.sync();
    }
  }

 private:
  MOESIM_KERNEL_CODE int rank_of(int expert) const {
    int rank = 0;
    while (first_expert[rank + 1] <= expert) ++rank;
    return rank;
  }

  // The first of the threads' candidates, to all threads.
  template <class Thread>
  MOESIM_KERNEL_CODE Candidate first_of_block(const Thread& thread, Candidate* firsts,
                                              const Candidate& mine) const {
    const Candidate of_warp = first_of_warp(thread, mine);
    if (thread.index() % kWarp == 0) firsts[thread.index() / kWarp] = of_warp;
    thread.sync();
    Candidate first = firsts[0];
    for (int w = 1; w < kThreads / kWarp; ++w) {
      if (comes_before(firsts[w], first)) first = firsts[w];
    }
    thread.sync();
    return first;
  }

  // The pair that is turned away and served next after `previous`.
  template <class Thread>
  MOESIM_KERNEL_CODE Candidate next_pair(const Thread& thread, Candidate* firsts,
                                         const Candidate& previous) const {
    Candidate next = last_of_all();
    for (int pair = thread.index(); pair < pairs; pair += kThreads) {
      if (kept[pair] != 0) continue;
      // A weight that is not a number counts as the lowest.
      const bool is_number = weights != nullptr && weights[pair] == weights[pair];
      const Candidate candidate = {weights == nullptr ? 0.0F
                                   : is_number        ? weights[pair]
                                                      : -1.0F,
                                   pair};
      if (comes_before(previous, candidate) && comes_before(candidate, next)) next = candidate;
    }
    return first_of_block(thread, firsts, next);
  }

  // The expert with the highest score that has room, in itself and in its rank, and that the pair's
  // token does not choose already.
  template <class Thread>
  MOESIM_KERNEL_CODE Candidate best_with_room(const Thread& thread, Candidate* firsts,
                                              const std::int32_t* taken, int pair) const {
    const std::int32_t* const of_rank = taken + num_experts;
    const std::int64_t token = pair / top_k;
    const std::int32_t* const chosen = experts + token * top_k;
    Candidate best = last_of_all();
    for (int e = thread.index(); e < num_experts; e += kThreads) {
      bool has_room = taken[e] < expert_capacity && of_rank[rank_of(e)] < rank_capacity;
      for (int slot = 0; slot < top_k; ++slot) has_room = has_room && chosen[slot] != e;
      const Candidate candidate = {comparable(scores[token * num_experts + e]), e};
      if (has_room && comes_before(candidate, best)) best = candidate;
    }
    return first_of_block(thread, firsts, best);
  }
};

// The weights that RouteTokens wrote, of the experts that are there now.
struct WeighTokens {
  static constexpr int kThreads = kChoiceThreads;

  RouteTokens route;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    route.weigh_again(thread);
  }
};

}  // namespace moesim::model::cuda
