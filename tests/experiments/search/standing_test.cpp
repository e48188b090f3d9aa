// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/standing.h"

#include <gtest/gtest.h>

#include <limits>

namespace moesim::experiments {
namespace {

using Indices = std::vector<std::size_t>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Standing, DominatesWhatIsNowhereBetterAndSomewhereWorse) {
  EXPECT_TRUE(dominates({{1, 2}}, {{1, 3}}));
  EXPECT_FALSE(dominates({{1, 2}}, {{1, 2}}));
  EXPECT_FALSE(dominates({{1, 3}}, {{2, 2}}));
}

TEST(Standing, TheFrontIsWhatNobodyFeasibleDominates) {
  const std::vector<Standing> standings = {{{3, 1}}, {{1, 3}},      {{3, 3}},
                                           {{2, 2}}, {{0, 0}, 0.5}, {{3, 1}}};
  EXPECT_EQ(pareto_front(standings), (Indices{0, 1, 3, 5}));
}

TEST(Standing, AFrontAgreesWithItsDefinitionOnRandomPoints) {
  std::vector<Standing> standings;
  std::uint32_t state = 1;
  const auto draw = [&] {  // Numerical Recipes' linear congruence, its upper bits
    state = state * 1664525U + 1013904223U;
    return static_cast<double>(state >> 28);
  };
  for (int i = 0; i < 200; ++i)
    standings.push_back({{draw(), draw(), draw()}, draw() > 11 ? 1.0 : 0});
  Indices expected;
  for (std::size_t i = 0; i < standings.size(); ++i) {
    bool is_beaten = standings[i].violation > 0;
    for (const Standing& other : standings) {
      is_beaten = is_beaten || (other.violation == 0 && dominates(other, standings[i]));
    }
    if (!is_beaten) expected.push_back(i);
  }
  EXPECT_EQ(pareto_front(standings), expected);
}

TEST(Standing, OneObjectiveSortsByItAndThenByTheLeastViolation) {
  const std::vector<Standing> standings = {{{3}},      {{1}, 0.2},       {{2}},
                                           {{0}, 0.1}, {{1}, kInfinity}, {{0}, 0, false}};
  EXPECT_EQ(best_of(standings, 10), (Indices{2, 0, 3, 1, 4}));
  EXPECT_EQ(best_of(standings, 1), (Indices{2}));
}

// On the front (0, 10) (1, 8) (2, 7.5) (9, 1) (10, 0) the ends are best by an objective. The room
// of the others, the sum of the distances between their neighbours over the extent 10: (2 - 0) / 10
// + (10 - 7.5) / 10 = 0.45, (9 - 1) / 10 + (8 - 1) / 10 = 1.5 and (10 - 2) / 10 + (7.5 - 0) / 10
// = 1.55.
TEST(Standing, OfALongFrontTheEndsComeFirstAndThenThoseWithRoom) {
  const std::vector<Standing> standings = {{{1, 8}},  {{0, 10}},  {{9, 1}},
                                           {{10, 0}}, {{2, 7.5}}, {{11, 11}}};
  EXPECT_EQ(best_of(standings, 3), (Indices{1, 3, 2}));
  EXPECT_EQ(best_of(standings, 6), (Indices{1, 3, 2, 4, 0, 5}));
}

}  // namespace
}  // namespace moesim::experiments
