// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/exclusions.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

using Swept = std::map<std::string, base::JsonValue>;

Exclusions exclusions(const std::string& list) {
  const base::JsonValue sweep = base::parse_json("{\"exclude\": " + list + "}", "file.json");
  return {&sweep, {"top_k", "ep", "name"}};
}

Swept swept(int top_k, int ep) {
  return {{"top_k", base::json_of(top_k)}, {"ep", base::json_of(ep)}};
}

TEST(Exclusions, WithoutAnyNothingIsLeftOut) {
  EXPECT_EQ(Exclusions(nullptr, {}).reason(swept(1, 2)), "");
  EXPECT_EQ(exclusions("[]").reason(swept(1, 2)), "");
}

TEST(Exclusions, AllConditionsOfOneMustHold) {
  const Exclusions out = exclusions(R"([{"where": {"top_k": 8, "ep": {"below": 4}},)"
                                    R"( "reason": "does not fit"}])");
  EXPECT_EQ(out.reason(swept(8, 2)), "does not fit");
  EXPECT_EQ(out.reason(swept(8, 4)), "");
  EXPECT_EQ(out.reason(swept(4, 2)), "");
}

TEST(Exclusions, BoundsAndListsAreConditions) {
  const auto left_out = [](const std::string& condition, int top_k) {
    return !exclusions(R"([{"where": {"top_k": )" + condition + R"(}, "reason": "r"}])")
                .reason(swept(top_k, 1))
                .empty();
  };
  EXPECT_TRUE(left_out(R"({"any_of": [1, 2]})", 2));
  EXPECT_FALSE(left_out(R"({"any_of": [1, 2]})", 3));
  EXPECT_TRUE(left_out(R"({"above": 2})", 3));
  EXPECT_FALSE(left_out(R"({"above": 2})", 2));
  EXPECT_TRUE(left_out(R"({"at_least": 2, "at_most": 3})", 2));
  EXPECT_FALSE(left_out(R"({"at_least": 2, "at_most": 3})", 4));
  EXPECT_TRUE(left_out("2.0", 2));
}

// A point of cases may lack the key: no condition holds of it.
TEST(Exclusions, AKeyThatThePointLacksHoldsNothing) {
  const Exclusions out = exclusions(R"([{"where": {"name": null}, "reason": "r"}])");
  EXPECT_EQ(out.reason(swept(1, 1)), "");
}

TEST(Exclusions, MalformedOnesAreErrorsAtTheirPlace) {
  const auto message = [](const std::string& list) {
    return base::thrown_error([&] { exclusions(list); }).message();
  };
  EXPECT_EQ(message("{}"), "expected a list of objects");
  EXPECT_EQ(message(R"([{"where": {"ep": 1}}])"), "expected \"where\" and \"reason\"");
  EXPECT_EQ(message(R"([{"where": {"ep": 1}, "reason": ""}])"), "says no reason");
  EXPECT_EQ(message(R"([{"where": {"topk": 1}, "reason": "r"}])"), "topk is not swept");
  EXPECT_EQ(message(R"([{"where": {"ep": {"above": "x"}}, "reason": "r"}])"),
            "\"above\" is no condition");
}

}  // namespace
}  // namespace moesim::experiments
