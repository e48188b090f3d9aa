// SPDX-License-Identifier: Apache-2.0
// Rows in the experts' order: a stable counting sort of the (token, slot) pairs by expert in three
// kernels, without atomics and without the host knowing a count. What ExpertOrder is on the
// processor (model/layers/moe_layer.h), bit for bit.
//
// A warp counts and places 256 consecutive pairs, a block 1024. The table of counts, expert by
// expert and within one block by block, is summed from the front: an entry is then the first row of
// the block's pairs of that expert.
#pragma once

#include <cstdint>

#include "model/cuda/device.h"
#include "model/cuda/kernels/row_lanes.h"

namespace moesim::model::cuda {

constexpr int kOrderThreads = 128;
constexpr int kOrderWarps = kOrderThreads / kWarp;
constexpr int kPairsPerWarp = 256;
constexpr int kPairsPerBlock = kOrderWarps * kPairsPerWarp;
// The warps' counts have to fit 48 KiB.
constexpr int kMostExperts = 3072;

// The pairs to order.
struct Pairs {
  const std::int32_t* experts = nullptr;  // [count], -1 where there is none
  const std::uint8_t* kept = nullptr;     // [count]; null: all
  int count = 0;
  int num_experts = 0;

  int blocks() const { return static_cast<int>(ceil_divide(count, kPairsPerBlock)); }
  // The expert that a pair is a row of, or -1.
  MOESIM_KERNEL_CODE std::int32_t expert_of(std::int64_t pair) const {
    if (pair >= count || (kept != nullptr && kept[pair] == 0)) return -1;
    return experts[pair];
  }
};

// A warp's counts, in the block's shared memory.
template <class Thread>
MOESIM_KERNEL_CODE std::int32_t* counts_of_warp(const Thread& thread, const Pairs& pairs,
                                                int warp) {
  return static_cast<std::int32_t*>(thread.shared()) + warp * pairs.num_experts;
}

// Calls use(pair, expert, peers) for the warp's pairs, 32 at a time, in their order; bit i of
// `peers` is lane i of the same expert.
template <class Thread, class Use>
MOESIM_KERNEL_CODE void for_pairs_of_warp(const Thread& thread, const Pairs& pairs,
                                          const Use& use) {
  const int lane = thread.index() % kWarp;
  const std::int64_t first = std::int64_t{thread.block()} * kPairsPerBlock +
                             std::int64_t{thread.index() / kWarp} * kPairsPerWarp;
  for (int i = 0; i < kPairsPerWarp; i += kWarp) {
    const std::int32_t expert = pairs.expert_of(first + i + lane);
    use(first + i + lane, expert, thread.match(expert));
    thread.sync_warp();
  }
}

MOESIM_DEVICE_CODE int count_bits(std::uint32_t bits) { return __builtin_popcount(bits); }

// Counts the block's pairs of each expert, warp by warp. Ends in sync().
template <class Thread>
MOESIM_KERNEL_CODE void count_by_warp(const Thread& thread, const Pairs& pairs) {
  for (int i = thread.index(); i < kOrderWarps * pairs.num_experts; i += thread.threads()) {
    counts_of_warp(thread, pairs, 0)[i] = 0;
  }
  thread.sync();
  std::int32_t* const counts = counts_of_warp(thread, pairs, thread.index() / kWarp);
  const std::uint32_t lower = (1U << (thread.index() % kWarp)) - 1U;
  for_pairs_of_warp(thread, pairs, [&](std::int64_t, std::int32_t expert, std::uint32_t peers) {
    const bool leads = (peers & lower) == 0;
    if (expert >= 0 && leads) counts[expert] += count_bits(peers);
  });
  thread.sync();
}

struct CountPairs {
  static constexpr int kThreads = kOrderThreads;

  Pairs pairs;
  std::int32_t* table = nullptr;  // [num_experts, blocks]

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    count_by_warp(thread, pairs);
    for (int e = thread.index(); e < pairs.num_experts; e += thread.threads()) {
      std::int32_t sum = 0;
      for (int w = 0; w < kOrderWarps; ++w) sum += counts_of_warp(thread, pairs, w)[e];
      table[std::int64_t{e} * thread.blocks() + thread.block()] = sum;
    }
  }
};

// One block: sums the table from the front.
struct SumTable {
  static constexpr int kThreads = 512;

  std::int32_t* table = nullptr;    // [num_experts, blocks], counts to first rows
  std::int32_t* offsets = nullptr;  // [num_experts + 1] where each expert's rows begin
  int num_experts = 0;
  int columns = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    std::int32_t* const sums = static_cast<std::int32_t*>(thread.shared());  // [kThreads]
    const std::int64_t size = std::int64_t{num_experts} * columns;
    const std::int64_t part = (size + kThreads - 1) / kThreads;
    const std::int64_t first = part * thread.index() < size ? part * thread.index() : size;
    const std::int64_t end = first + part < size ? first + part : size;
    std::int32_t sum = 0;
    for (std::int64_t i = first; i < end; ++i) sum += table[i];
    sums[thread.index()] = sum;
    thread.sync();
    for (int distance = 1; distance < kThreads; distance *= 2) {
      const bool adds = thread.index() >= distance;
      const std::int32_t before = adds ? sums[thread.index() - distance] : 0;
      thread.sync();
      sums[thread.index()] += before;
      thread.sync();
    }
    std::int32_t place = sums[thread.index()] - sum;
    for (std::int64_t i = first; i < end; ++i) {
      const std::int32_t count = table[i];
      table[i] = place;
      if (i % columns == 0) offsets[i / columns] = place;
      place += count;
    }
    if (thread.index() == kThreads - 1) offsets[num_experts] = sums[kThreads - 1];
  }
};

struct PlacePairs {
  static constexpr int kThreads = kOrderThreads;

  Pairs pairs;
  const std::int32_t* table = nullptr;  // [num_experts, blocks] first rows
  std::int32_t* place = nullptr;        // [pairs] the pair's row; -1: it has none
  std::int32_t* pair_of = nullptr;      // [rows]

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    count_by_warp(thread, pairs);
    // A warp's counts become its first rows, after those of the warps before.
    for (int e = thread.index(); e < pairs.num_experts; e += thread.threads()) {
      std::int32_t row = table[std::int64_t{e} * thread.blocks() + thread.block()];
      for (int w = 0; w < kOrderWarps; ++w) {
        std::int32_t* const of_warp = counts_of_warp(thread, pairs, w) + e;
        const std::int32_t count = *of_warp;
        *of_warp = row;
        row += count;
      }
    }
    thread.sync();
    place_pairs(thread);
  }

 private:
  template <class Thread>
  MOESIM_KERNEL_CODE void place_pairs(const Thread& thread) const {
    std::int32_t* const next = counts_of_warp(thread, pairs, thread.index() / kWarp);
    const std::uint32_t lower = (1U << (thread.index() % kWarp)) - 1U;
    for_pairs_of_warp(thread, pairs,
                      [&](std::int64_t pair, std::int32_t expert, std::uint32_t peers) {
                        if (expert >= 0) {
                          const std::int32_t row = next[expert] + count_bits(peers & lower);
                          place[pair] = row;
                          pair_of[row] = static_cast<std::int32_t>(pair);
                        } else if (pair < pairs.count) {
                          place[pair] = -1;
                        }
                        thread.sync_warp();
                        if (expert >= 0 && (peers & lower) == 0) next[expert] += count_bits(peers);
                      });
  }
};

}  // namespace moesim::model::cuda
