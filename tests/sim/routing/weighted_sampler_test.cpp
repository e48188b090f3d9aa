// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/weighted_sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace moesim::sim {
namespace {

// One draw each from weights 1, 2, 5: shares 1/8, 2/8, 5/8. 100,000 draws have a standard deviation
// below 0.0016 of the total; 0.008 is five of them.
TEST(WeightedSampler, FirstDrawsFollowTheWeights) {
  const std::vector<double> weights{1, 2, 5};
  const WeightedSampler sampler(weights);
  base::Rng rng(1, "sampler");
  std::vector<int> counts(3);
  std::vector<std::int32_t> chosen(1);
  for (int i = 0; i < 100000; ++i) {
    sampler.draw(rng, chosen);
    ++counts[chosen[0]];
  }
  EXPECT_NEAR(counts[0] / 1e5, 0.125, 0.008);
  EXPECT_NEAR(counts[1] / 1e5, 0.250, 0.008);
  EXPECT_NEAR(counts[2] / 1e5, 0.625, 0.008);
}

// Two of three without replacement: P(0 is left out) = P(draw 2, 1) + P(draw 1, 2)
// = 5/8 * 2/3 + 2/8 * 5/6 = 0.41667 + 0.20833 = 0.625.
TEST(WeightedSampler, PairsFollowSuccessiveSampling) {
  const std::vector<double> weights{1, 2, 5};
  const WeightedSampler sampler(weights);
  base::Rng rng(2, "sampler");
  int without_zero = 0;
  std::vector<std::int32_t> chosen(2);
  for (int i = 0; i < 100000; ++i) {
    sampler.draw(rng, chosen);
    without_zero += chosen[0] != 0 && chosen[1] != 0 ? 1 : 0;
  }
  EXPECT_NEAR(without_zero / 1e5, 0.625, 0.008);
}

// Nearly all weight on one expert: the rest is drawn exactly once patience is over, still distinct.
TEST(WeightedSampler, ExtremeSkewStillGivesDistinctExperts) {
  std::vector<double> weights(64, 1e-12);
  weights[7] = 1;
  const WeightedSampler sampler(weights);
  base::Rng rng(3, "sampler");
  std::vector<std::int32_t> chosen(8);
  for (int i = 0; i < 200; ++i) {
    sampler.draw(rng, chosen);
    const std::set<std::int32_t> distinct(chosen.begin(), chosen.end());
    EXPECT_EQ(distinct.size(), 8U);
    EXPECT_EQ(distinct.count(7), 1U);
  }
}

TEST(WeightedSampler, ZeroWeightsAreDrawnOnlyWhenNothingElseIsLeft) {
  const std::vector<double> weights{0, 3, 0, 1};
  const WeightedSampler sampler(weights);
  base::Rng rng(4, "sampler");
  std::vector<std::int32_t> chosen(3);
  for (int i = 0; i < 50; ++i) {
    sampler.draw(rng, chosen);
    EXPECT_EQ(std::set<std::int32_t>({chosen[0], chosen[1]}), (std::set<std::int32_t>{1, 3}));
  }
}

}  // namespace
}  // namespace moesim::sim
