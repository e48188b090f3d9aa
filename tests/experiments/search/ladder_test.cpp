// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/ladder.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"
#include "tests/experiments/small_document.h"

namespace moesim::experiments {
namespace {

using Counts = std::vector<std::size_t>;
using Strings = std::vector<std::string>;

const std::string kSweep = R"(, "sweep": {"router.capacity_factor": [1, 1.5]})";

std::vector<std::string> names(const std::vector<Rung>& rungs) {
  std::vector<std::string> names;
  for (const Rung& rung : rungs) names.push_back(rung.name);
  return names;
}

std::vector<Rung> screens_of(base::JsonValue document, const std::string& fidelity) {
  base::set_json_at(document, "network.fidelity", base::json_of(fidelity), "test");
  const Sweep sweep = expand(document);
  return screens_of(sweep, read_point(sweep, sweep.points[0]).experiment);
}

base::JsonValue trained(const std::string& sweep) {
  base::JsonValue document = small_document(sweep);
  base::set_json_at(
      document, "routing",
      base::parse_json(R"({"source": "numerics", "proxy": {"train_steps": 100}})", ""), "test");
  return document;
}

TEST(Ladder, ScreensAreTheFidelitiesBelow) {
  EXPECT_EQ(names(screens_of(small_document(kSweep), "collective")), Strings{"analytic"});
  EXPECT_EQ(names(screens_of(small_document(kSweep), "flow")), (Strings{"analytic", "collective"}));
}

TEST(Ladder, AnEighthOfTheTrainingGoesIntoAScreen) {
  const std::vector<Rung> screens = screens_of(trained(kSweep), "collective");
  EXPECT_EQ(names(screens), Strings{"analytic, 12 of 100 training steps"});
  EXPECT_EQ(screens[0].folder_name(), "analytic");
  EXPECT_TRUE(screens[0].shortens_training);
  // At the cheapest fidelity training alone is cut short.
  EXPECT_EQ(names(screens_of(trained(kSweep), "analytic")),
            Strings{"analytic, 12 of 100 training steps"});
}

TEST(Ladder, TrainingThatTheSweepVariesIsLeftAsItIs) {
  const std::vector<Rung> screens =
      screens_of(trained(R"(, "sweep": {"routing.proxy.train_steps": [10, 100]})"), "collective");
  EXPECT_EQ(names(screens), Strings{"analytic"});
}

// A job takes what it does not say from outside of "jobs".
TEST(Ladder, TrainingOfAllJobsThatTheSweepVariesIsLeftAsItIs) {
  const auto with_jobs = [](const std::string& key) {
    base::JsonValue document = trained(", \"sweep\": {\"" + key + "\": [10, 100]}");
    base::set_json_at(
        document, "jobs",
        base::parse_json(R"([{"name": "a", "nodes": [0]}, {"name": "b", "nodes": [1]}])", ""),
        "test");
    return names(screens_of(document, "collective"));
  };
  EXPECT_EQ(with_jobs("routing.proxy.train_steps"), Strings{"analytic"});
  EXPECT_EQ(with_jobs("training.seq_length"), Strings{"analytic, 12 of 100 training steps"});
}

TEST(Ladder, WithoutAnythingCheaperThereIsNoSearch) {
  const base::Error error =
      base::thrown_error([] { screens_of(small_document(kSweep), "analytic"); });
  EXPECT_EQ(error.where(), "/network/fidelity");
}

TEST(Ladder, ASweepOverTheFidelityIsRefused) {
  const std::string sweep = R"(, "sweep": {"network.fidelity": ["analytic", "collective"]})";
  const base::Error error =
      base::thrown_error([&] { screens_of(small_document(sweep), "collective"); });
  EXPECT_EQ(error.where(), "small.json:2:12  /sweep");
}

TEST(Ladder, TheRungAboveConfirms) {
  base::JsonValue document = small_document(kSweep);
  Sweep sweep = expand(document);
  EXPECT_EQ(names(confirmation_of(read_point(sweep, sweep.points[0]).experiment)), Strings{"flow"});
  base::set_json_at(document, "network.fidelity", base::json_of("flow"), "test");
  sweep = expand(document);
  EXPECT_TRUE(confirmation_of(read_point(sweep, sweep.points[0]).experiment).empty());
}

TEST(Ladder, ARungHasTheSweepsPointsUnderIdsOfItsOwn) {
  const Sweep sweep = expand(small_document(kSweep));
  const Sweep rung =
      at_rung(sweep, {"analytic", {{"network.fidelity", base::json_of("analytic")}}});
  ASSERT_EQ(rung.points.size(), 2u);
  EXPECT_EQ(rung.name, "analytic");
  EXPECT_EQ(rung.points[1].label, sweep.points[1].label);
  EXPECT_NE(rung.points[1].id, sweep.points[1].id);
  EXPECT_FALSE(rung.has_point_folders);
  EXPECT_EQ(read_point(rung, rung.points[0]).experiment.scenario.network.fidelity,
            sim::Fidelity::analytic);
}

TEST(Ladder, WithoutSeedsTheWholeBudgetIsForEntrants) {
  const Allowance allowance = allowance_of({8, 40, 1, 2});
  EXPECT_EQ(allowance.entrants, 8u);
  EXPECT_EQ(allowance.finalists, 0u);
}

// Of 30 points 30 / (2 x 3) = 5 finalists take 5 x 2 more than an entrant's one: 20 are left. 4
// points and three objectives are not enough for a finalist each.
TEST(Ladder, FinalistsAndTheirSeedsTakeHalf) {
  const Allowance allowance = allowance_of({30, 50, 3, 1});
  EXPECT_EQ(allowance.finalists, 5u);
  EXPECT_EQ(allowance.entrants, 20u);
  EXPECT_EQ(allowance.seeds, 3u);
  const Allowance scarce = allowance_of({4, 7, 3, 3});
  EXPECT_EQ(scarce.entrants, 4u);
  EXPECT_EQ(scarce.seeds, 1u);
}

// 8 points, 2 candidates with 4 seeds: 2 entrants leave 6, which are 3 more for each of 2.
TEST(Ladder, WhatAllCandidatesLeaveIsForFinalists) {
  const Allowance allowance = allowance_of({8, 2, 4, 1});
  EXPECT_EQ(allowance.entrants, 2u);
  EXPECT_EQ(allowance.finalists, 2u);
}

std::vector<Budget> whole_budgets() {
  std::vector<Budget> budgets;
  for (std::size_t candidates = 1; candidates < 20; ++candidates) {
    for (std::size_t seeds = 1; seeds < 6; ++seeds) {
      for (std::size_t objectives = 1; objectives < 4; ++objectives) {
        budgets.push_back({candidates * seeds, candidates, seeds, objectives});
      }
    }
  }
  return budgets;
}

TEST(Ladder, NoAllowanceIsAboveItsBudget) {
  for (Budget budget : whole_budgets()) {
    for (; budget.points > 0; --budget.points) {
      const Allowance allowance = allowance_of(budget);
      EXPECT_LE(allowance.entrants + allowance.finalists * (allowance.seeds - 1), budget.points);
      EXPECT_GE(allowance.entrants, std::max<std::size_t>(1, allowance.finalists));
    }
  }
}

TEST(Ladder, AWholeBudgetRunsAll) {
  for (const Budget& budget : whole_budgets()) {
    if (budget.objectives > budget.candidates) continue;
    const Allowance allowance = allowance_of(budget);
    EXPECT_EQ(allowance.entrants, budget.candidates);
    EXPECT_EQ(budget.seeds == 1 ? budget.candidates : allowance.finalists, budget.candidates);
  }
}

// From 64 to 4 in two screens: 64 x (4 / 64)^(1/2) = 16, then 4.
TEST(Ladder, ScreensHalveGeometrically) {
  EXPECT_EQ(survivors_of(64, 4, 2), (Counts{16, 4}));
  EXPECT_EQ(survivors_of(10, 2, 1), (Counts{2}));
}

}  // namespace
}  // namespace moesim::experiments
