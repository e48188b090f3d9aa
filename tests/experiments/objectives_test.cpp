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

WrittenBounds written(const char* min, const char* max) {
  WrittenBounds bounds;
  if (min != nullptr) bounds.min = FigureBound{base::parse_json(min, "x.json")};
  if (max != nullptr) bounds.max = FigureBound{base::parse_json(max, "x.json")};
  return bounds;
}

TEST(Objectives, AConstraintBoundsAFigureFromOneEndAtLeast) {
  const base::JsonValue document =
      base::parse_json(R"({"constraints": {"mfu": {}, "drop_rat": {"max": 1}}})", "x.json");
  const auto place_of = [&](const WrittenConstraints& constraints) {
    return base::thrown_error([&] { read_constraints(document, constraints); }).where();
  };
  EXPECT_EQ(place_of({{"mfu", {}}}), "x.json:1:25  /constraints/mfu");
  EXPECT_EQ(place_of({{"drop_rat", written(nullptr, "1.0")}}),
            "x.json:1:41  /constraints/drop_rat");
  EXPECT_EQ(place_of({{"drop_rate", written("0.2", "0.1")}}), "x.json:1:1  /constraints/drop_rate");
  EXPECT_EQ(place_of({{"drop_rate", written(nullptr, "\"2 ms\"")}}),
            "x.json:1:1  /constraints/drop_rate/max");
  const Constraints read = read_constraints(
      document,
      {{"drop_rate", written("0.1", "0.1")}, {"step_time_s", written(nullptr, "\"2 s\"")}});
  EXPECT_EQ(read.at("drop_rate").min, 0.1);
  EXPECT_EQ(read.at("drop_rate").max, 0.1);
  EXPECT_EQ(read.at("step_time_s").max, 2);
  EXPECT_EQ(read.at("step_time_s").min, std::nullopt);
}

TEST(Objectives, AreAddedFromTheCommandLineInPlaceOfThoseOfTheSameFigure) {
  base::JsonValue document =
      base::parse_json(R"({"objectives": {"mfu": "max", "drop_rate": "max"}})", "x.json");
  add_objective(document, "drop_rate=min");
  add_objective(document, "step_time_s=min");
  add_constraint(document, "drop_rate<=0.02");
  add_constraint(document, "drop_rate>=1e-3");
  add_constraint(document, "mfu>=0.3");
  EXPECT_EQ(base::to_text(document, base::JsonStyle::compact),
            R"({"objectives":{"mfu":"max","drop_rate":"min","step_time_s":"min"},)"
            R"("constraints":{"drop_rate":{"max":0.02,"min":1e-3},"mfu":{"min":0.3}}})");
}

TEST(Objectives, TwoFlagsOfOneFigureAreAnErrorAtTheSecond) {
  base::JsonValue document = base::parse_json(R"({"objectives": {"mfu": "min"}})", "x.json");
  add_objective(document, "mfu=max");  // in place of the file's
  const base::Error again = base::thrown_error([&] { add_objective(document, "mfu=min"); });
  EXPECT_EQ(again.where(), "--objective mfu=min");
  EXPECT_EQ(again.message(), "--objective mfu=max has been given of mfu before");
  add_constraint(document, "mfu>=0.3");
  add_constraint(document, "mfu<=0.5");
  EXPECT_EQ(base::thrown_error([&] { add_constraint(document, "mfu<=0.4"); }).where(),
            "--constraint mfu<=0.4");
}

TEST(Objectives, WhatIsNoAssignmentOrConditionIsRefusedAtItsFlag) {
  base::JsonValue document = base::json_object();
  for (const char* text : {"drop_rate", "=min", "drop_rate=low", "drop_rate="}) {
    const base::Error error = base::thrown_error([&] { add_objective(document, text); });
    EXPECT_EQ(error.where(), std::string("--objective ") + text);
  }
  for (const char* text : {"drop_rate", "<=1", "drop_rate<1", "drop_rate<="}) {
    const base::Error error = base::thrown_error([&] { add_constraint(document, text); });
    EXPECT_EQ(error.where(), std::string("--constraint ") + text);
  }
}

}  // namespace
}  // namespace moesim::experiments
