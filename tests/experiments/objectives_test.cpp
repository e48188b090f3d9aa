// SPDX-License-Identifier: Apache-2.0
#include "experiments/objectives.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "experiments/experiment.h"
#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

bool has(const std::string& name, bool is_family) {
  const std::vector<NamedFigure> figures = result_figures();
  return std::any_of(figures.begin(), figures.end(), [&](const NamedFigure& figure) {
    return figure.name == name && figure.is_family == is_family && !figure.docs.empty();
  });
}

TEST(Objectives, FiguresAreTheResultsNumbersByDottedKey) {
  EXPECT_TRUE(has("step_time_s", false));
  EXPECT_TRUE(has("validation_loss", false));
  EXPECT_TRUE(has("faults", false));
  EXPECT_TRUE(has("expert_load.max_over_mean", false));
  EXPECT_TRUE(has("phase_time_s", true));
}

TEST(Objectives, TextsListsAndTheScenarioAreNoFigures) {
  for (const NamedFigure& figure : result_figures()) {
    EXPECT_NE(figure.name, "status");
    EXPECT_NE(figure.name, "expert_load.per_layer");
    EXPECT_FALSE(figure.name.starts_with("hottest_links")) << figure.name;
    EXPECT_FALSE(figure.name.starts_with("scenario")) << figure.name;
  }
}

TEST(Objectives, AFigureOfAFamilyIsAccepted) {
  check_objectives(base::json_object(), {{"phase_time_s.expert", Direction::min}});
  check_objectives(base::json_object(), {{"drop_rate", Direction::min}});
}

TEST(Objectives, StandInTheOrderOfTheDocument) {
  const base::JsonValue document =
      base::parse_json(R"({"objectives": {"mfu": "max", "drop_rate": "min"}})", "x.json");
  const std::vector<Objective> ordered =
      in_order(document, {{"drop_rate", Direction::min}, {"mfu", Direction::max}});
  ASSERT_EQ(ordered.size(), 2u);
  EXPECT_EQ(ordered[0].figure, "mfu");
  EXPECT_EQ(ordered[1].figure, "drop_rate");
  EXPECT_EQ(ordered[1].direction, Direction::min);
}

TEST(Objectives, WhatIsNoFigureIsNamedWithThePlaceAndTheNearest) {
  const base::JsonValue document =
      base::parse_json("{\n  \"objectives\": {\"drop_rat\": \"min\"}}", "x.json");
  const base::Error error = base::thrown_error([&] {
    check_objectives(document, {{"drop_rat", Direction::min}});
  });
  EXPECT_EQ(error.where(), "x.json:2:30  /objectives/drop_rat");
  EXPECT_EQ(error.message(), "\"drop_rat\" is no figure of a result");
  EXPECT_NE(error.hint().find("drop_rate"), std::string::npos) << error.hint();
}

TEST(Objectives, AFamilyByItselfIsNoFigure) {
  EXPECT_THROW(check_objectives(base::json_object(), {{"phase_time_s", Direction::min}}),
               base::Error);
}

}  // namespace
}  // namespace moesim::experiments
