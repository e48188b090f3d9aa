// SPDX-License-Identifier: Apache-2.0
#include "sim/plan/even_placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/rng.h"

namespace moesim::sim {
namespace {

using Loads = std::vector<std::int64_t>;

Loads placed(const Loads& loads, const std::vector<int>& slots) {
  return rank_loads(even_placement(loads, slots), loads);
}

// 7, 6, 5, 4 on two ranks of two: 7 and 4, 6 and 5.
TEST(EvenPlacement, HeaviestFirstOntoTheEmptiest) {
  EXPECT_EQ(placed({4, 7, 5, 6}, {2, 2}), (Loads{11, 11}));
}

// The rule puts 5, then 4 and 4, then 3, 3 and 3 beside them: 8, 7, 7. With slots 1, 2 and 3 the 5
// is alone, and it gets to 5 | 4 3 | 4 3 3; exchanging 4 for 3 gives 5, 8, 9, and three experts
// weigh no less than 9.
TEST(EvenPlacement, KeepsToTheSlots) {
  const Loads loads{5, 4, 4, 3, 3, 3};
  EXPECT_EQ(placed(loads, {2, 2, 2}), (Loads{8, 7, 7}));
  EXPECT_EQ(placed(loads, {1, 2, 3}), (Loads{5, 8, 9}));
}

// Graham's worst case of the rule on three ranks: 5 3 3 | 5 3 | 4 4, whose fullest has 11 of 9 that
// are possible. Exchanges: 5 for 4 gives 4 3 3 | 5 3 | 5 4, then 4 for 3 gives 3 3 3 | 5 4 | 5 4.
TEST(EvenPlacement, ExchangesMendWhatTheRuleGotWrong) {
  EXPECT_EQ(placed({5, 5, 4, 4, 3, 3, 3}, {3, 3, 3}), (Loads{9, 9, 9}));
}

// The fullest of two ranks in the best of all 70 ways to give each four of eight experts.
std::int64_t best_of_all(const Loads& loads) {
  const std::int64_t all = std::accumulate(loads.begin(), loads.end(), std::int64_t{0});
  std::int64_t best = all;
  for (unsigned chosen = 0; chosen < 256; ++chosen) {
    std::int64_t sum = 0;
    int count = 0;
    for (unsigned expert = 0; expert < 8; ++expert) {
      if ((chosen >> expert & 1U) == 0) continue;
      sum += loads[expert];
      ++count;
    }
    if (count == 4) best = std::min(best, std::max(sum, all - sum));
  }
  return best;
}

TEST(EvenPlacement, IsNearTheBestOfAllPlacements) {
  base::Rng rng(3, "loads");
  double worst = 1;
  for (int draw = 0; draw < 100; ++draw) {
    Loads loads(8);
    for (std::int64_t& load : loads) load = static_cast<std::int64_t>(rng.below(1000));
    const Loads sums = placed(loads, {4, 4});
    const auto fullest = static_cast<double>(*std::max_element(sums.begin(), sums.end()));
    worst = std::max(worst, fullest / static_cast<double>(best_of_all(loads)));
  }
  EXPECT_LT(worst, 1.1);
  EXPECT_GE(worst, 1);
}

}  // namespace
}  // namespace moesim::sim
