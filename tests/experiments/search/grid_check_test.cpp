// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/grid_check.h"

#include <gtest/gtest.h>

#include <cmath>

namespace moesim::experiments {
namespace {

using Indices = std::vector<std::size_t>;
using Named = std::vector<std::optional<std::size_t>>;

TEST(GridCheck, TheBestOrOneAsGoodIsFound) {
  const std::vector<Standing> standings = {{{2}}, {{4}}, {{2}}, {{1}, 0.1}, {{0}, 0, false}};
  const GridCheck check = check_against(standings, Indices{2}, Named{2});
  EXPECT_EQ(check.candidates, 4u);
  EXPECT_EQ(check.by_objective[0].best, 0u);
  EXPECT_EQ(check.by_objective[0].shortfall, 0);
  EXPECT_FALSE(check.has_missed());
}

// High figures cost their negative: 8 named where 10 is the best are (10 - 8) / 10 worse.
TEST(GridCheck, AMissIsAShareOfTheBest) {
  const std::vector<Standing> standings = {{{-10}}, {{-8}}};
  const GridCheck check = check_against(standings, Indices{1}, Named{1});
  EXPECT_NEAR(check.by_objective[0].shortfall, 0.2, 1e-12);
  EXPECT_TRUE(check.has_missed());
}

TEST(GridCheck, ANamedOneThatBreaksAConstraintOrNoneIsAMiss) {
  const std::vector<Standing> standings = {{{2}}, {{1}, 0.1}};
  EXPECT_TRUE(std::isinf(check_against(standings, Indices{1}, Named{1}).by_objective[0].shortfall));
  EXPECT_TRUE(check_against(standings, Indices{1}, Named{std::nullopt}).has_missed());
}

TEST(GridCheck, WhereNothingIsFeasibleNothingIsMissed) {
  const std::vector<Standing> standings = {{{2}, 1}, {{1}, 0.1}};
  EXPECT_FALSE(check_against(standings, Indices{1}, Named{std::nullopt}).has_missed());
}

// The front is (1, 4), (2, 2) and (4, 1). (2, 2) ran: it is 2 / 1 - 1 = 1 worse in the first
// objective than (1, 4), and as much in the second than (4, 1).
TEST(GridCheck, TheGapIsToTheFarthestOfTheFront) {
  const std::vector<Standing> standings = {{{1, 4}}, {{2, 2}}, {{4, 1}}, {{5, 5}}};
  const GridCheck check = check_against(standings, Indices{1, 3}, Named{1, 1});
  EXPECT_EQ(check.front, 3u);
  EXPECT_EQ(check.front_found, 1u);
  EXPECT_NEAR(check.front_gap, 1.0, 1e-12);
  EXPECT_EQ(check_against(standings, Indices{0, 1, 2}, Named{0, 2}).front_gap, 0);
}

}  // namespace
}  // namespace moesim::experiments
