// SPDX-License-Identifier: Apache-2.0
// The inner loops of weighted_sampler, for any processor and for AVX-512, with the same results.
// Plain values only: what a source file with flags of its own compiles must be its own.
#pragma once

#include <cstdint>

namespace moesim::sim {

enum class DrawKernels { portable, avx512 };

// The fastest that this processor has.
DrawKernels best_draw_kernels();

// One slot of an alias table (Walker 1977): keep the slot's number `i` where a coin of 32 bits is
// below the threshold, else take i ^ swap.
struct AliasSlot {
  std::uint32_t threshold;
  std::int32_t swap;
};

// The expert that 32 random bits draw. Times the number of slots, their high half is the slot and
// their low half is the coin; arithmetic, since no processor predicts the toss.
inline std::int32_t pick_slot(const AliasSlot* slots, std::uint32_t num_slots, std::uint32_t bits) {
  const std::uint64_t product = std::uint64_t{bits} * num_slots;
  const auto slot = static_cast<std::int32_t>(product >> 32);
  const bool tails = static_cast<std::uint32_t>(product) >= slots[slot].threshold;
  return slot ^ (slots[slot].swap & -static_cast<std::int32_t>(tails));
}

// The first draws of a block of tokens. Draws 2i and 2i + 1 are of the low and the high half of
// place `first_place` + i of the random field with that key.
struct DrawBlock {
  const AliasSlot* slots;
  std::uint32_t num_slots;
  std::uint64_t key;
  std::uint64_t first_place;
  int tokens;
  int top_k;
  std::int32_t* chosen;  // [tokens, top_k]
};

// Fills `chosen`.
void pick_each_portable(const DrawBlock& block);
void pick_each_avx512(const DrawBlock& block);

constexpr int kWidestToken = 16;  // top_k that find_repeats_avx512 can do

// Writes the numbers of the tokens that have an expert twice to `repeats`, which has room for all
// tokens, and says how many they are.
int find_repeats_avx512(const DrawBlock& block, std::int32_t* repeats);

}  // namespace moesim::sim
