// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/shapley.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/rng.h"

namespace moesim::experiments {
namespace {

TEST(Shapley, NobodyHasNothing) {
  EXPECT_TRUE(shapley_parts(0, [](unsigned) { return 7.0; }).empty());
}

// Each player brings its own whatever the others do.
TEST(Shapley, WhoDoesNotDependOnOthersGetsWhatItBrings) {
  const std::vector<double> parts =
      shapley_parts(3, [](unsigned set) { return 5 + 1.0 * (set & 1U) + 2.0 * (set >> 1 & 1U); });
  EXPECT_NEAR(parts[0], 1, 1e-15);
  EXPECT_NEAR(parts[1], 2, 1e-15);
  EXPECT_NEAR(parts[2], 0, 1e-15);
}

// The glove game: player 0 has a left glove, 1 and 2 a right one each, and a pair is worth 1. In 4
// of the 6 orders player 0 completes the pair, in one each 1 and 2 do.
TEST(Shapley, PartsAreMeansOverAllOrders) {
  const std::vector<double> parts =
      shapley_parts(3, [](unsigned set) { return (set & 1U) != 0 && set > 1 ? 1.0 : 0.0; });
  EXPECT_NEAR(parts[0], 4.0 / 6, 1e-15);
  EXPECT_NEAR(parts[1], 1.0 / 6, 1e-15);
  EXPECT_NEAR(parts[2], 1.0 / 6, 1e-15);
}

TEST(Shapley, PartsSumToTheWholeWhateverTheWorths) {
  base::Rng rng(1, "worths");
  for (int players = 1; players <= 6; ++players) {
    std::vector<double> worths(std::size_t{1} << players);
    for (double& worth : worths) worth = rng.normal();
    const std::vector<double> parts =
        shapley_parts(players, [&](unsigned set) { return worths[set]; });
    EXPECT_NEAR(std::accumulate(parts.begin(), parts.end(), 0.0), worths.back() - worths.front(),
                1e-14);
  }
}

}  // namespace
}  // namespace moesim::experiments
