// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/draw_kernels.h"

#include <gtest/gtest.h>

#include "base/rng.h"
#include "sim/routing/weighted_sampler.h"

namespace moesim::sim {
namespace {

// Four slots: 32 bits of u are slot u / 2^30, and the coin is the rest of u times 4.
TEST(DrawKernels, ASlotIsKeptBelowItsThreshold) {
  const AliasSlot slots[4] = {{1U << 31, 0 ^ 3}, {0, 1 ^ 2}, {0, 0}, {0, 0}};
  EXPECT_EQ(pick_slot(slots, 4, 0), 0);
  EXPECT_EQ(pick_slot(slots, 4, (1U << 29) - 1), 0) << "the coin is 2^31 - 4";
  EXPECT_EQ(pick_slot(slots, 4, 1U << 29), 3) << "the coin is 2^31";
  EXPECT_EQ(pick_slot(slots, 4, 1U << 30), 2) << "never kept";
  EXPECT_EQ(pick_slot(slots, 4, 0xffffffff), 3) << "its own alias";
}

TEST(DrawKernels, APlaceGivesTwoDrawsTheLowHalfFirst) {
  const std::vector<double> weights(16, 1.0);
  const WeightedSampler sampler(weights);
  const base::RandomField field(1, "kernels");
  std::vector<std::int32_t> chosen(3, -1);
  pick_each_portable({sampler.slots().data(), 16, field.key(), 5, 3, 1, chosen.data()});
  EXPECT_EQ(chosen[0], static_cast<int>(field.bits(5) >> 28 & 15));
  EXPECT_EQ(chosen[1], static_cast<int>(field.bits(5) >> 60));
  EXPECT_EQ(chosen[2], static_cast<int>(field.bits(6) >> 28 & 15));
}

}  // namespace
}  // namespace moesim::sim
