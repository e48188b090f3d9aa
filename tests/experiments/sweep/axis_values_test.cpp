// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/axis_values.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

AxisValues values_of(const std::string& rule) {
  return axis_values(base::parse_json(rule, "file.json"), "here");
}

std::string texts_of(const std::string& rule) {
  std::string texts;
  for (const base::JsonValue& value : values_of(rule).values) {
    texts += (texts.empty() ? "" : " ") + base::to_text(value, base::JsonStyle::compact);
  }
  return texts;
}

std::string error_of(const std::string& rule) {
  return base::thrown_error([&] { values_of(rule); }).message();
}

TEST(AxisValues, AListIsItself) {
  EXPECT_EQ(texts_of("[1, 2.50, null, \"a\"]"), "1 2.50 null \"a\"");
}

TEST(AxisValues, BothEndsOfARangeCount) {
  EXPECT_EQ(texts_of(R"({"range": [0, 4]})"), "0 1 2 3 4");
  EXPECT_EQ(texts_of(R"({"range": [0, 8, 4]})"), "0 4 8");
  EXPECT_EQ(texts_of(R"({"range": [0, 9, 4]})"), "0 4 8");
  EXPECT_EQ(texts_of(R"({"range": [3, 1, -1]})"), "3 2 1");
  EXPECT_EQ(texts_of(R"({"range": [7, 7]})"), "7");
}

// 0.1 has no exact double: ten steps of it must still reach 1.
TEST(AxisValues, RoundingCostsARangeNoValue) {
  const auto made = values_of(R"({"range": [0.0, 1.0, 0.1]})").values;
  ASSERT_EQ(made.size(), 11u);
  EXPECT_DOUBLE_EQ(made.back().number, 1);
}

TEST(AxisValues, LinearAndGeometricStepsEndAtTheEnds) {
  EXPECT_EQ(texts_of(R"({"linear": [1, 2, 5]})"), "1 1.25 1.5 1.75 2");
  EXPECT_EQ(texts_of(R"({"geometric": [1, 64, 7]})"), "1 2 4 8 16 32 64");
  EXPECT_EQ(texts_of(R"({"geometric": ["1 GB/s", "8 GB/s", 4]})"),
            "\"1 GB/s\" \"2 GB/s\" \"4 GB/s\" \"8 GB/s\"");
}

// 1, 1.58, 2.51, 3.98, 6.31, 10, rounded.
TEST(AxisValues, RoundedValuesAreTakenOnce) {
  EXPECT_EQ(texts_of(R"({"geometric": [1, 10, 6], "round": true})"), "1 2 3 4 6 10");
  EXPECT_EQ(texts_of(R"({"linear": [1, 2, 5], "round": true})"), "1 2");
}

TEST(AxisValues, DistributionsHaveQuantiles) {
  const AxisValues uniform = values_of(R"({"uniform": [1, 3]})");
  EXPECT_TRUE(uniform.values.empty());
  EXPECT_EQ(uniform.quantile(0).number, 1);
  EXPECT_EQ(uniform.quantile(0.25).number, 1.5);
  const AxisValues log_uniform = values_of(R"({"log_uniform": [1, 100], "round": true})");
  EXPECT_EQ(base::to_text(log_uniform.quantile(0.5), base::JsonStyle::compact), "10");
}

TEST(AxisValues, MalformedRulesSayWhatIsWrong) {
  EXPECT_EQ(error_of("[]"), "expected a list of at least one value");
  EXPECT_EQ(error_of("3"), "expected a list of at least one value");
  EXPECT_EQ(error_of("{}"), "no rule makes values");
  EXPECT_EQ(error_of(R"({"rang": [0, 4]})"), "no rule \"rang\" makes values");
  EXPECT_EQ(error_of(R"({"range": [0]})"), "\"range\" takes a list of 2 or 3 numbers");
  EXPECT_EQ(error_of(R"({"range": [0, 4, -1]})"),
            "the step never leads from the first value to the last");
  EXPECT_EQ(error_of(R"({"range": [0, 4, 0]})"), "the range has more than 100,000 values");
  EXPECT_EQ(error_of(R"({"range": [0, 1000000]})"), "the range has more than 100,000 values");
  EXPECT_EQ(error_of(R"({"linear": [0, 1, 1]})"), "the count is a whole number from 2 to 100,000");
  EXPECT_EQ(error_of(R"({"geometric": [0, 1, 3]})"), "ratios need numbers above 0");
  EXPECT_EQ(error_of(R"({"linear": ["1 GB/s", "2 us", 3]})"), "both ends need the same unit");
  EXPECT_EQ(error_of(R"({"uniform": [2, 2]})"), "the first end must be below the second");
  EXPECT_EQ(error_of(R"({"range": [null, 2]})"), "expected a number or a quantity, found null");
}

}  // namespace
}  // namespace moesim::experiments
