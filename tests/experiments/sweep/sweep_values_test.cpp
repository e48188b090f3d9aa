// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/sweep_values.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

base::JsonValue parsed(const std::string& text) { return base::parse_json(text, "file.json"); }

std::vector<std::string> labels_of(const std::string& sweep) {
  std::vector<std::string> labels;
  for (const SweptValues& swept : swept_values(parsed("{\"sweep\": " + sweep + "}"))) {
    labels.push_back(swept.label);
  }
  return labels;
}

TEST(SweptValues, ADocumentWithoutASweepIsOneCombinationWithoutValues) {
  for (const char* text : {"{}", "{\"sweep\": null}", "{\"sweep\": {}}"}) {
    const std::vector<SweptValues> all = swept_values(parsed(text));
    ASSERT_EQ(all.size(), 1U) << text;
    EXPECT_EQ(all[0].label, "");
    EXPECT_TRUE(all[0].values.empty());
    EXPECT_TRUE(all[0].axes.empty());
  }
}

TEST(SweptValues, TheLastKeyChangesFastest) {
  EXPECT_EQ(labels_of(R"({"b": [1, null], "a.c": ["x", 2.50, true]})"),
            (std::vector<std::string>{"b=1,a.c=\"x\"", "b=1,a.c=2.50", "b=1,a.c=true",
                                      "b=null,a.c=\"x\"", "b=null,a.c=2.50", "b=null,a.c=true"}));
}

TEST(SweptValues, TheAxesKeepTheDocumentsOrder) {
  const std::vector<SweptValues> all =
      swept_values(parsed(R"({"sweep": {"z": [1, 2], "a": [3]}})"));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].axes, (std::vector<std::string>{"z", "a"}));
  EXPECT_EQ(all[1].values.at("z").number, 2);
  EXPECT_EQ(all[1].values.at("a").number, 3);
}

TEST(SweptValues, WhatIsNoListOfValuesIsAnErrorAtItsKey) {
  const auto where = [](const std::string& sweep) {
    return base::thrown_error([&] { labels_of(sweep); }).where();
  };
  EXPECT_EQ(where("[]"), "file.json:1:11  /sweep");
  EXPECT_EQ(where("{\"a\": []}"), "file.json:1:12  /sweep/a");
  EXPECT_EQ(where("{\"a\": [1], \"b\": 2}"), "file.json:1:22  /sweep/b");
}

// The swept values are read as if a flag had set them, each at its own place in the file.
TEST(WithSweptValues, SetsTheValuesAndTakesTheSweepAway) {
  const base::JsonValue document =
      parsed(R"({"a": {"b": 1, "c": 2}, "sweep": {"a.b": [7], "d.e": [[8, 9]]}})");
  const base::JsonValue point = with_swept_values(document, swept_values(document).front().values);
  EXPECT_EQ(base::to_text(point, base::JsonStyle::compact),
            R"({"a":{"b":7,"c":2},"d":{"e":[8,9]}})");
  const base::JsonValue& b = *point.find("a")->find("b");
  EXPECT_TRUE(b.place.is_override());
  EXPECT_EQ(b.place.text(), "file.json:1:43 sweep a.b=7");
  EXPECT_TRUE(point.find("d")->find("e")->items[1].place.is_override());
  EXPECT_FALSE(point.find("a")->find("c")->place.is_override());
}

TEST(WithSweptValues, AKeyUnderANumberIsAnErrorAtItsValue) {
  const base::JsonValue document = parsed(R"({"a": 1, "sweep": {"a.b": [7]}})");
  const base::Error error = base::thrown_error(
      [&] { with_swept_values(document, swept_values(document).front().values); });
  EXPECT_TRUE(error.where().starts_with("file.json:1:28 sweep a.b=7")) << error.where();
}

TEST(AsFileName, KeepsWhatEveryFileSystemTakes) {
  EXPECT_EQ(as_file_name("model.top_k=2,text=\"a/b c.txt\""), "model.top_k=2,text=a_b_c.txt");
  EXPECT_EQ(as_file_name(std::string(300, 'x')), std::string(100, 'x'));
  EXPECT_EQ(as_file_name(""), "");
}

}  // namespace
}  // namespace moesim::experiments
