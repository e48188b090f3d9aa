// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/routed_counts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/error.h"

namespace moesim::experiments {
namespace {

// 8 experts, top 2: stride 4. Token t goes to t and t + 4: 5 tokens give experts 0-4 and 4-8 (8 is
// 0 again): 0 and 4 twice.
TEST(RoutedCounts, BalancedTokensTakeTurns) {
  EXPECT_EQ(routed_counts("balanced", 5, 8, 2, ""), (std::vector<int>{2, 1, 1, 1, 2, 1, 1, 1}));
  EXPECT_EQ(routed_counts("balanced", 64, 8, 2, ""), std::vector<int>(8, 16));
}

// Two tokens are fewer than the stride of 4: they are spread over it, token 1 begins at 2.
TEST(RoutedCounts, FewBalancedTokensAreSpread) {
  EXPECT_EQ(routed_counts("balanced", 2, 8, 2, ""), (std::vector<int>{1, 0, 1, 0, 1, 0, 1, 0}));
}

// 4 experts, top 1, 100 tokens: x between 1 and 80, density x^-2, at u = 1/8, 3/8, 5/8, 7/8:
// x = 1 / (1 - u (1 - 1/80)) = 1.141, 1.588, 2.612, 7.356; their shares of 100 are 8.98, 12.51,
// 20.57, 57.94, which round to 101: one is taken from the fullest.
TEST(RoutedCounts, PowerLawsAreTheirQuantiles) {
  EXPECT_EQ(routed_counts("power_law_2", 100, 4, 1, ""), (std::vector<int>{9, 13, 21, 57}));
}

// As above, top 3: shares of 300 are 26.96, 37.52, 61.72 and 173.8, the last at most 100: 27, 38,
// 62 and 100, and 73 more. 11 + 2 x 24 bring the first three to 62, of the other 14 they get 4
// or 5.
TEST(RoutedCounts, WhatAFullExpertCannotTakeGoesToTheEmptiest) {
  EXPECT_EQ(routed_counts("power_law_2", 100, 4, 3, ""), (std::vector<int>{67, 67, 66, 100}));
}

// 1.7e10 and 1.7e10 pairs: a quarter of all tokens each, and all of them.
TEST(RoutedCounts, AreNotCountedOneByOne) {
  constexpr int kTokens = 1 << 24;
  EXPECT_EQ(routed_counts("balanced", kTokens, 4096, 1024, ""),
            std::vector<int>(4096, kTokens / 4));
  EXPECT_EQ(routed_counts("power_law_3", kTokens, 1024, 1024, ""), std::vector<int>(1024, kTokens));
}

// Whatever the sizes: every pair is counted, and no expert sees a token twice.
TEST(RoutedCounts, AddUpAndStayBelowTheTokens) {
  for (const char* distribution : {"balanced", "power_law_1.01", "power_law_1.2"}) {
    for (const int tokens : {1, 2, 7, 64, 1000}) {
      for (const auto& [experts, top_k] : {std::pair(8, 2), std::pair(16, 1), std::pair(128, 8)}) {
        const std::vector<int> counts = routed_counts(distribution, tokens, experts, top_k, "");
        EXPECT_EQ(counts.size(), static_cast<std::size_t>(experts));
        EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0), tokens * top_k);
        EXPECT_LE(*std::max_element(counts.begin(), counts.end()), tokens);
        EXPECT_GE(*std::min_element(counts.begin(), counts.end()), 0);
      }
    }
  }
}

TEST(RoutedCounts, UnknownDistributionsAreErrors) {
  for (const char* name : {"uniform", "power_law_", "power_law_1", "power_law_1.2x"}) {
    EXPECT_THROW(routed_counts(name, 8, 4, 1, "rows.csv:2:1"), base::Error) << name;
  }
}

}  // namespace
}  // namespace moesim::experiments
