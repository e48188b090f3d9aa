// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/goals.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/base/thrown_error.h"
#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

using Indices = std::vector<std::size_t>;

const Goals kGoals{{{"mfu", Direction::max}, {"validation_loss", Direction::min}},
                   {{"drop_rate", {std::nullopt, 0.02}}, {"mfu", {0.3, std::nullopt}}}};

// Points 0, 1 and 4 of a sweep; 1 has failed, 0 has no loss.
StoredRun stored_run() {
  StoredRun run;
  run.columns = {"mfu", "validation_loss"};
  run.points.push_back({0, "a", "ok", "", {}, {0.25, NAN}});
  run.points.push_back({1, "b", "failed", "no room", {}, {NAN, NAN}});
  run.points.push_back({4, "c", "ok", "", {}, {0.75, 2.5}});
  return run;
}

TEST(Goals, HighThroughputIsWantedWhereNothingIsStated) {
  const Goals goals = goals_of(expand(small_document()));
  ASSERT_EQ(goals.objectives.size(), 1u);
  EXPECT_EQ(goals.objectives[0].figure, "tokens_per_s_per_gpu");
  EXPECT_EQ(goals.objectives[0].direction, Direction::max);
}

TEST(Goals, FiguresAreNamedOnce) {
  EXPECT_EQ(figures_of(kGoals), (std::vector<std::string>{"mfu", "validation_loss", "drop_rate"}));
}

TEST(Goals, AFigureIsTheMeanOverThePointsThatHaveIt) {
  const StoredRun run = stored_run();
  const PointRows rows(run);
  EXPECT_EQ(rows.find(1), nullptr);
  EXPECT_EQ(rows.find(9), nullptr);
  EXPECT_DOUBLE_EQ(rows.mean("mfu", Indices{0, 1, 4}).mean, 0.5);
  EXPECT_DOUBLE_EQ(rows.mean("validation_loss", Indices{0, 4}).mean, 2.5);
  const std::vector<double> figures = figures_over(kGoals, rows, Indices{0, 4});
  ASSERT_EQ(figures.size(), 3u);
  EXPECT_DOUBLE_EQ(figures[0], 0.5);
  EXPECT_TRUE(std::isnan(figures[2]));
  EXPECT_TRUE(figures_over(kGoals, rows, Indices{1}).empty());
}

TEST(Goals, WhatIsToBeHighCostsItsNegative) {
  const Standing standing = standing_of(kGoals, std::vector<double>{0.5, 2.5, 0.01}, false);
  EXPECT_EQ(standing.costs, (std::vector<double>{-0.5, 2.5}));
  EXPECT_EQ(standing.violation, 0);
}

// drop_rate 0.03 is (0.03 - 0.02) / 0.02 = 0.5 too high, mfu 0.15 is (0.3 - 0.15) / 0.3 = 0.5 low.
TEST(Goals, ViolationsAddUpAsSharesOfTheirBounds) {
  const Standing standing = standing_of(kGoals, std::vector<double>{0.15, 2.5, 0.03}, false);
  EXPECT_NEAR(standing.violation, 1.0, 1e-12);
}

TEST(Goals, AFigureThatIsNotThereMeetsNoGoal) {
  const Standing without = standing_of(kGoals, std::vector<double>{0.5, NAN, NAN}, false);
  EXPECT_TRUE(std::isinf(without.costs[1]));
  EXPECT_TRUE(std::isinf(without.violation));
  EXPECT_TRUE(without.has_run);
  EXPECT_FALSE(standing_of(kGoals, {}, true).has_run);
}

TEST(Goals, AFigureThatNoPointHasIsAnErrorWhereItIsNamed) {
  const base::JsonValue document =
      base::parse_json(R"({"objectives": {"mfu": "max", "validation_loss": "min"},)"
                       R"( "constraints": {"drop_rate": {}}})",
                       "x.json");
  require_figures(document, kGoals, {{}, {0.5, NAN, 0.1}, {NAN, 2.5, NAN}});
  require_figures(document, kGoals, {{}, {}});  // nothing has run: another's error
  const auto place_of = [&](const std::vector<double>& figures) {
    return base::thrown_error([&] { require_figures(document, kGoals, {{}, figures}); }).where();
  };
  EXPECT_EQ(place_of({0.5, NAN, 0.1}), "x.json:1:50  /objectives/validation_loss");
  EXPECT_EQ(place_of({0.5, 2.5, NAN}), "x.json:1:87  /constraints/drop_rate");
}

TEST(Goals, BoundsAreObjectivesWhileTrainingIsShort) {
  const Standing standing = standing_of(kGoals, std::vector<double>{0.15, 2.5, 0.03}, true);
  EXPECT_EQ(standing.costs, (std::vector<double>{-0.15, 2.5, 0.03, -0.15}));
  EXPECT_EQ(standing.violation, 0);
}

}  // namespace
}  // namespace moesim::experiments
