// SPDX-License-Identifier: Apache-2.0
// Compiled for x86-64-v4 (AVX-512), and run only where the processor has it.
#if defined(__x86_64__)
#include <immintrin.h>

#include "sim/routing/draw_kernels.h"

namespace moesim::sim {
namespace {

constexpr int kPlaces = 8;  // of the field at a time
constexpr int kDraws = 2 * kPlaces;
constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15U;

// base::mix() of `x` less its first addition.
__m512i scatter(__m512i x) {
  const __m512i first = _mm512_set1_epi64(static_cast<long long>(0xbf58476d1ce4e5b9U));
  const __m512i second = _mm512_set1_epi64(static_cast<long long>(0x94d049bb133111ebU));
  x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64(x, 30)), first);
  x = _mm512_mullo_epi64(_mm512_xor_si512(x, _mm512_srli_epi64(x, 27)), second);
  return _mm512_xor_si512(x, _mm512_srli_epi64(x, 31));
}

// pick_slot() of the low half of each element, in the low half of the result's.
__m512i pick(const DrawBlock& block, __m512i bits) {
  const __m512i low_half = _mm512_set1_epi64(0xffffffff);
  const __m512i product = _mm512_mul_epu32(bits, _mm512_set1_epi64(block.num_slots));
  const __m512i slot = _mm512_srli_epi64(product, 32);
  const __m512i entry = _mm512_i64gather_epi64(slot, block.slots, sizeof(AliasSlot));
  const __mmask8 tails = _mm512_cmpge_epu64_mask(_mm512_and_si512(product, low_half),
                                                 _mm512_and_si512(entry, low_half));
  return _mm512_mask_xor_epi64(slot, tails, slot, _mm512_srli_epi64(entry, 32));
}

// 8 places' draws.
__m512i pick_16(const DrawBlock& block, __m512i counter) {
  const __m512i bits = scatter(counter);
  const __m512i low = pick(block, bits);
  const __m512i high = pick(block, _mm512_srli_epi64(bits, 32));
  return _mm512_or_si512(low, _mm512_slli_epi64(high, 32));
}

}  // namespace

void pick_each_avx512(const DrawBlock& block) {
  const std::int64_t pairs = std::int64_t{block.tokens} * block.top_k;
  const __m512i step = _mm512_set1_epi64(static_cast<long long>(kGolden * kPlaces));
  const __m512i lanes = _mm512_setr_epi64(1, 2, 3, 4, 5, 6, 7, 8);
  __m512i counter = _mm512_add_epi64(
      _mm512_set1_epi64(static_cast<long long>(block.key + block.first_place * kGolden)),
      _mm512_mullo_epi64(lanes, _mm512_set1_epi64(static_cast<long long>(kGolden))));
  std::int64_t pair = 0;
  for (; pair + kDraws <= pairs; pair += kDraws) {
    _mm512_storeu_si512(block.chosen + pair, pick_16(block, counter));
    counter = _mm512_add_epi64(counter, step);
  }
  const auto rest = static_cast<__mmask16>((1U << (pairs - pair)) - 1);
  _mm512_mask_storeu_epi32(block.chosen + pair, rest, pick_16(block, counter));
}

int find_repeats_avx512(const DrawBlock& block, std::int32_t* repeats) {
  const auto slots = static_cast<__mmask16>((1U << block.top_k) - 1);
  const std::int32_t* chosen = block.chosen;
  int found = 0;
  for (int token = 0; token < block.tokens; ++token, chosen += block.top_k) {
    bool has_repeat = false;
    if (block.top_k <= 8) {
      const auto few = static_cast<__mmask8>(slots);
      const __m256i experts = _mm256_maskz_loadu_epi32(few, chosen);
      const __m256i equals = _mm256_conflict_epi32(experts);
      has_repeat = _mm256_mask_test_epi32_mask(few, equals, equals) != 0;
    } else {
      const __m512i equals = _mm512_conflict_epi32(_mm512_maskz_loadu_epi32(slots, chosen));
      has_repeat = _mm512_mask_test_epi32_mask(slots, equals, equals) != 0;
    }
    repeats[found] = token;
    found += has_repeat ? 1 : 0;
  }
  return found;
}

}  // namespace moesim::sim
#endif
