// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/search_page.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

constexpr double kNoInterval = std::numeric_limits<double>::quiet_NaN();

class SearchPageTest : public testing::Test {
 protected:
  SearchPageTest() {
    outcome_.goals = {{{"tokens_per_s", Direction::max}}, {{"drop_rate", {std::nullopt, 0.1}}}};
    outcome_.candidates = candidates_of(sweep_);
    outcome_.num_points = 4;
    outcome_.screens = {{"analytic", 4, 4, 0, 0, 0, "", 1.0, "r/search/analytic"}};
    outcome_.full = {"collective", 1, 1, 0, 0, 0, "", 1.0, "r"};
    FoundCandidate found;
    found.candidate = 2;
    found.points = {2};
    found.figures = {{1, 80, kNoInterval}, {1, 0.05, kNoInterval}};
    found.confirmed = {79, 0.05};
    found.is_feasible = found.is_final = found.is_on_front = true;
    outcome_.found = {found};
    outcome_.left_out = BestLeftOut{3, 1, 75, true};
  }
  bool says(const std::string& text) const {
    return search_text(sweep_, outcome_).find(text) != std::string::npos;
  }

  const Sweep sweep_ =
      expand(small_document(R"(, "sweep": {"router.capacity_factor": [1, 1.5, 2, 3]})"));
  SearchOutcome outcome_;
};

// 4 points on a screen in 1 s, 1 in full in 1 s and at flow in 9 s; all 4 in full would take 4 s.
TEST_F(SearchPageTest, SaysHowMuchOfTheGridRan) {
  EXPECT_TRUE(says("wanted: tokens_per_s high, drop_rate at most 0.1"));
  outcome_.confirmation = {"flow", 1, 1, 0, 0, 0, "", 9.0, "r/search/flow"};
  EXPECT_TRUE(
      says("1 of 4 points ran in full (25.0 %); all rungs took 11.0 s, all points in full would "
           "take about 4.0 s\n"));
  outcome_.confirmation->there = 1;
  EXPECT_TRUE(says("1 of 4 points ran in full (25.0 %)\n"));
}

TEST_F(SearchPageTest, NamesTheBestWithItsFiguresAtBothFidelities) {
  EXPECT_TRUE(says("best:\n  router.capacity_factor=2\n"));
  EXPECT_TRUE(says("tokens_per_s                 80   flow 79\n"));
}

TEST_F(SearchPageTest, SaysWhetherWhatWasLeftOutMayBeBetter) {
  EXPECT_TRUE(says("router.capacity_factor=1.5 had the best tokens_per_s on the screen: 75"));
  EXPECT_TRUE(says("none of them can be better than the best above"));
  outcome_.left_out->figure = 81;
  EXPECT_TRUE(says("one of them might still be better than the best above"));
  outcome_.left_out->is_bound = false;
  EXPECT_FALSE(says("no figure in full is better"));
}

TEST_F(SearchPageTest, NamesWhatTheSearchMissed) {
  outcome_.check = GridCheck{4, {{2, 2, 0}}, 1, 1, 0};
  EXPECT_TRUE(says("best is router.capacity_factor=2, which the search found"));
  outcome_.check->by_objective = {{0, 2, 0.25}};
  EXPECT_TRUE(
      says("best is router.capacity_factor=1, MISSED: the search names "
           "router.capacity_factor=2, 25 % worse"));
}

TEST_F(SearchPageTest, SaysWhatFailed) {
  outcome_.screens[0].failed = 2;
  outcome_.screens[0].reason = "no room";
  EXPECT_TRUE(says("1.0 s, 2 failed: no room\n"));
  EXPECT_EQ(outcome_.failed(), 2u);
  EXPECT_TRUE(says("not tried again without --retry-failed\n"));
  outcome_.screens[0].failed = 0;
  outcome_.screens[0].skipped = 1;
  EXPECT_TRUE(says("1.0 s, 1 cannot be: no room\n"));
  EXPECT_FALSE(says("--retry-failed"));
  outcome_.found[0].warnings = {"out of memory"};
  EXPECT_TRUE(says("    warning: out of memory\n"));
  outcome_.found.clear();
  EXPECT_TRUE(says("none of the points that were tried ran\n"));
}

TEST_F(SearchPageTest, SaysThatNothingKeepsToTheConstraints) {
  outcome_.found[0].is_feasible = false;
  EXPECT_TRUE(says("none of those that ran in full keeps to the constraints; the nearest:"));
  EXPECT_TRUE(says("router.capacity_factor=2  [breaks a constraint]"));
}

TEST_F(SearchPageTest, JsonHasTheSame) {
  outcome_.check = GridCheck{4, {{2, 2, 0}}, 1, 1, 0};
  const base::JsonValue json = search_json(sweep_, outcome_);
  const std::string text = base::to_text(json, base::JsonStyle::compact);
  EXPECT_NE(text.find(R"("label":"router.capacity_factor=2","points":[")" + sweep_.points[2].id),
            std::string::npos);
  EXPECT_NE(text.find(R"("tokens_per_s":{"mean":80,"ci95":null,"flow":79})"), std::string::npos);
  EXPECT_NE(text.find(R"("best":"router.capacity_factor=2")"), std::string::npos);
  EXPECT_NE(text.find(R"("left_out":{"configurations":3)"), std::string::npos);
}

}  // namespace
}  // namespace moesim::experiments
