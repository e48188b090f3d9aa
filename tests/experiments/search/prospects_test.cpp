// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/prospects.h"

#include <gtest/gtest.h>

#include <limits>

namespace moesim::experiments {
namespace {

using Indices = std::vector<std::size_t>;

// Two settings: 0 is (a, x), 1 is (a, y), 2 is (b, x), 3 is (b, y).
const std::vector<Candidate> kSquare = {
    {"", {0, 0}, {0}}, {"", {0, 1}, {1}}, {"", {1, 0}, {2}}, {"", {1, 1}, {3}}};
const Goals kFast{{{"step_time_s", Direction::min}}, {}};

// 1 and 2 differ from 0 in one setting each, 3 in two. Running made of 1's 10 a 20 and of 2's 10 a
// 40, so 0's 3 is predicted as the mean of 3 x 2 and 3 x 4; 3, on the screen 5, has 1 and 2 beside
// it too.
TEST(Prospects, AreCorrectedByTheirNeighboursInSettings) {
  const CandidateFigures screened = {{3}, {10}, {10}, {5}};
  const CandidateFigures full = {{}, {20}, {40}, {}};
  EXPECT_DOUBLE_EQ(predicted_figures(kSquare, screened, full, 0)[0], 9);
  EXPECT_DOUBLE_EQ(predicted_figures(kSquare, screened, full, 3)[0], 15);
  const CandidateFigures one = {{}, {}, {40}, {}};
  EXPECT_DOUBLE_EQ(predicted_figures(kSquare, screened, one, 1)[0], 40);  // the only one, far off
  EXPECT_DOUBLE_EQ(predicted_figures(kSquare, screened, {{}, {}, {}, {}}, 0)[0], 3);
}

TEST(Prospects, AFigureThatMayBeZeroIsCorrectedByADifference) {
  const CandidateFigures screened = {{0.25}, {0}, {0}, {0}};
  const CandidateFigures full = {{}, {0.5}, {}, {}};
  EXPECT_DOUBLE_EQ(predicted_figures(kSquare, screened, full, 0)[0], 0.75);
}

TEST(Prospects, ANeighbourWithoutTheFigureSaysNothing) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  EXPECT_DOUBLE_EQ(predicted_figures(kSquare, {{3}, {10}, {10}, {5}}, {{}, {none}, {20}, {}}, 0)[0],
                   6);
}

// On the screen 3 looks better than 2; but what has y takes ten times as long in full.
TEST(Prospects, TheBestPredictionComesFirst) {
  const CandidateFigures screened = {{4}, {4}, {3}, {2}};
  const CandidateFigures full = {{4}, {40}, {}, {}};
  EXPECT_EQ(prospects_of(kFast, kSquare, screened, full, 5), (Indices{2, 3}));
  EXPECT_EQ(prospects_of(kFast, kSquare, screened, full, 1), (Indices{2}));
}

TEST(Prospects, ObjectivesTakeTurns) {
  const Goals both{{{"step_time_s", Direction::min}, {"validation_loss", Direction::min}}, {}};
  const CandidateFigures screened = {{1, 4}, {2, 3}, {3, 2}, {4, 1}};
  EXPECT_EQ(prospects_of(both, kSquare, screened, {{}, {}, {}, {}}, 3), (Indices{0, 3, 1}));
}

TEST(Prospects, WhatIsPredictedToBreakAConstraintComesLast) {
  const Goals bounded{{{"step_time_s", Direction::min}}, {{"drop_rate", {std::nullopt, 0.1}}}};
  const CandidateFigures screened = {{1, 0.2}, {2, 0.05}, {3, 0.15}, {}};
  EXPECT_EQ(prospects_of(bounded, kSquare, screened, {{}, {}, {}, {}}, 4), (Indices{1, 2, 0}));
}

}  // namespace
}  // namespace moesim::experiments
