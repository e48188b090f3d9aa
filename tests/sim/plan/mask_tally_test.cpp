// SPDX-License-Identifier: Apache-2.0
#include "sim/plan/mask_tally.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace moesim::sim {
namespace {

// Masks 1, 2, ... 8: bit 0 is set in the odd ones (4), bit 1 in 2, 3, 6, 7 (4), bit 2 in 4 ... 7
// (4), bit 3 in 8 (1).
TEST(MaskTally, CountsEachBit) {
  MaskTally<1> tally;
  tally.add({{{1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}}});
  const std::vector<int> counts = tally.take();
  EXPECT_EQ((std::vector<int>(counts.begin(), counts.begin() + 5)),
            (std::vector<int>{4, 4, 4, 1, 0}));
}

void count_bits(const Mask<3>& mask, std::vector<int>& counts) {
  for (int bit = 0; bit < 192; ++bit) {
    counts[bit] += static_cast<int>(mask[bit / 64] >> (bit % 64) & 1);
  }
}

// More masks than the planes hold, counted one by one; after take() it begins anew. Word 2 is
// always full, so its counts are the largest there are.
TEST(MaskTally, CountsAnyNumberOfMasks) {
  base::Rng rng(1, "mask tally");
  MaskTally<3> tally;
  for (const int rounds : {0, 1, 511, 512, 1500}) {
    std::vector<int> expected(192);
    for (int round = 0; round < rounds; ++round) {
      std::array<Mask<3>, 8> masks;
      for (Mask<3>& mask : masks) mask = {rng.next(), rng.next() & rng.next(), ~std::uint64_t{0}};
      for (const Mask<3>& mask : masks) count_bits(mask, expected);
      tally.add(masks);
    }
    EXPECT_EQ(tally.take(), expected) << rounds;
  }
}

}  // namespace
}  // namespace moesim::sim
