// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/row_scanner.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "base/error.h"
#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

using Numbers = std::vector<std::pair<std::string, std::string>>;

RowFacts scan(const std::string& row, Numbers& numbers) {
  return scan_row(row, "here", [&](std::string_view key, std::string_view number) {
    numbers.emplace_back(key, number);
  });
}

TEST(RowScanner, HandsOverNumbersWithTheirTextAndLeavesOutListsAndTheScenario) {
  Numbers numbers;
  const RowFacts facts =
      scan(R"({"status":"ok","reason":"","scenario":{"point":"a","index":3},"time_s":1.50e-3,)"
           R"("list":[1,{"x":2},"]"],"phase":{"a":-1,"b":{"c":0}},"none":null,"yes":true,)"
           R"("text":"4, \"five\":5","empty":{},"nothing":[],"last":7})",
           numbers);
  EXPECT_EQ(numbers,
            (Numbers{{"time_s", "1.50e-3"}, {"phase.a", "-1"}, {"phase.b.c", "0"}, {"last", "7"}}));
  EXPECT_EQ(facts.status, "ok");
  EXPECT_EQ(facts.reason, "");
  EXPECT_EQ(facts.scenario.find("index")->number, 3);
}

TEST(RowScanner, TakesSpacesBetweenAnyTwoTokens) {
  Numbers numbers;
  const RowFacts facts = scan(
      R"( { "status" : "ok" , "a" : { "b" : 1 , "l" : [ 1 , 2 ] } , "scenario" : { } , "c" : 2 } )",
      numbers);
  EXPECT_EQ(numbers, (Numbers{{"a.b", "1"}, {"c", "2"}}));
  EXPECT_EQ(facts.status, "ok");
}

TEST(RowScanner, DecodesKeys) {
  Numbers numbers;
  scan(R"({"status":"ok","scenario":{},"a\"b":1,"p":{"c\u0041":{"d":2}}})", numbers);
  EXPECT_EQ(numbers, (Numbers{{"a\"b", "1"}, {"p.cA.d", "2"}}));
}

TEST(RowScanner, DecodesTheReason) {
  Numbers numbers;
  const RowFacts facts =
      scan(R"({"status":"failed","reason":"said \"no\"\n\u00e9","scenario":{"index":0}})", numbers);
  EXPECT_EQ(facts.reason, "said \"no\"\n\u00e9");
}

TEST(RowScanner, WhatIsNoRowIsAnErrorWithItsPlace) {
  Numbers numbers;
  for (const char* row : {"", "{", R"({"status":)", R"({"status":"ok"} x)", "[]", R"({"a":[1})"}) {
    const base::Error error = base::thrown_error([&] { scan(row, numbers); });
    EXPECT_EQ(error.where().rfind("here", 0), 0u) << row << ": " << error.where();
  }
  const base::Error error = base::thrown_error([&] { scan(R"({"status":"ok"})", numbers); });
  EXPECT_EQ(error.message(), "is no result");
}

}  // namespace
}  // namespace moesim::experiments
