// SPDX-License-Identifier: Apache-2.0
// Counts, for each bit, in how many of a long row of masks it is set: the positional population
// count, by carry-save adders (Klarqvist, Mula and Lemire 2021, "Efficient computation of
// positional population counts using SIMD instructions").
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace moesim::sim {

template <int kWords>
using Mask = std::array<std::uint64_t, kWords>;

template <int kWords>
class MaskTally {
 public:
  static constexpr int kMasks = 8;  // at a time

  MaskTally() : counts_(std::size_t{kWords} * 64) {}

  void add(const std::array<Mask<kWords>, kMasks>& masks) {
    if (tallied_ + kMasks >= (1 << kPlanes)) flush();
    tallied_ += kMasks;
    Mask<kWords> twos[4], fours[2], carry;
    for (int i = 0; i < 4; ++i) add_two(planes_[0], masks[2 * i], masks[2 * i + 1], twos[i]);
    for (int i = 0; i < 2; ++i) add_two(planes_[1], twos[2 * i], twos[2 * i + 1], fours[i]);
    add_two(planes_[2], fours[0], fours[1], carry);
    for (int plane = 3; plane < kPlanes; ++plane) {
      for (int word = 0; word < kWords; ++word) {
        const std::uint64_t sum = planes_[plane][word] ^ carry[word];
        carry[word] &= planes_[plane][word];
        planes_[plane][word] = sum;
      }
    }
  }

  // [64 x kWords] the counts since the last call: bit b of word w is count 64 w + b.
  std::vector<int> take() {
    flush();
    std::vector<int> counts(std::size_t{kWords} * 64);
    counts.swap(counts_);
    return counts;
  }

 private:
  // Plane p holds bit p of all the counts, so they are good for 4,095 masks.
  static constexpr int kPlanes = 12;

  // sum + a + b, bit by bit: the low bit into `sum`, the high bit into `carry`.
  static void add_two(Mask<kWords>& sum, const Mask<kWords>& a, const Mask<kWords>& b,
                      Mask<kWords>& carry) {
    for (int word = 0; word < kWords; ++word) {
      const std::uint64_t half = sum[word] ^ a[word];
      carry[word] = (sum[word] & a[word]) | (half & b[word]);
      sum[word] = half ^ b[word];
    }
  }

  void flush() {
    for (int plane = 0; plane < kPlanes; ++plane) {
      for (int word = 0; word < kWords; ++word) {
        for (int bit = 0; bit < 64; ++bit) {
          counts_[word * 64 + bit] += static_cast<int>(planes_[plane][word] >> bit & 1) << plane;
        }
        planes_[plane][word] = 0;
      }
    }
    tallied_ = 0;
  }

  std::array<Mask<kWords>, kPlanes> planes_{};
  int tallied_ = 0;  // masks in the planes
  std::vector<int> counts_;
};

}  // namespace moesim::sim
