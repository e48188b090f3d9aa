// SPDX-License-Identifier: Apache-2.0
#include "model/balance/load_statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace moesim::model {
namespace {

// 1, 2, 3, 6: mean 3; variance (4 + 1 + 0 + 9) / 4 = 3.5. Gini: 2 (1*1 + 2*2 + 3*3 + 4*6) / (4*12)
// - 5/4 = 76/48 - 5/4 = 1/3. Entropy of 1/12, 1/6, 1/4, 1/2 over log 4.
TEST(LoadStatistics, OfFourLoadsWorkedByHand) {
  const std::vector<std::int64_t> loads{3, 1, 6, 2};
  const LoadStatistics s = load_statistics(loads);
  EXPECT_NEAR(s.max_over_mean, 2, 1e-15);
  EXPECT_NEAR(s.balancedness, 0.5, 1e-15);
  EXPECT_NEAR(s.cv, std::sqrt(3.5) / 3, 1e-15);
  EXPECT_NEAR(s.gini, 1.0 / 3, 1e-15);
  const double entropy =
      std::log(12.0) / 12 + std::log(6.0) / 6 + std::log(4.0) / 4 + std::log(2.0) / 2;
  EXPECT_NEAR(s.entropy, entropy / std::log(4.0), 1e-15);
}

TEST(LoadStatistics, EvenLoadsAreEven) {
  const std::vector<std::int64_t> loads{5, 5, 5};
  const LoadStatistics s = load_statistics(loads);
  EXPECT_EQ(s.max_over_mean, 1);
  EXPECT_EQ(s.cv, 0);
  EXPECT_NEAR(s.gini, 0, 1e-15);
  EXPECT_NEAR(s.entropy, 1, 1e-15);
}

TEST(LoadStatistics, NoLoadCountsAsEven) {
  const std::vector<std::int64_t> loads{0, 0};
  EXPECT_EQ(load_statistics(loads), LoadStatistics{});
  EXPECT_EQ(load_statistics({}), LoadStatistics{});
}

// One of four has everything: max/mean 4, gini 3/4, entropy 0.
TEST(LoadStatistics, OneHasAll) {
  const std::vector<std::int64_t> loads{0, 8, 0, 0};
  const LoadStatistics s = load_statistics(loads);
  EXPECT_EQ(s.max_over_mean, 4);
  EXPECT_NEAR(s.gini, 0.75, 1e-15);
  EXPECT_NEAR(s.entropy, 0, 1e-15);
}

}  // namespace
}  // namespace moesim::model
