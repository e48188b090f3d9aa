// SPDX-License-Identifier: Apache-2.0
#include "base/json_value.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/check.h"
#include "tests/base/thrown_error.h"

namespace moesim::base {
namespace {

std::string compact(const JsonValue& value) { return to_text(value, JsonStyle::compact); }

std::string after_set(const std::string& text, const std::string& assignment) {
  JsonValue root = parse_json(text, "a.json");
  set_json(root, assignment);
  return compact(root);
}

TEST(JsonText, IndentedAndCompactReadBack) {
  const std::string text = R"({"a":[1,2.50,"x\"y"],"b":{},"c":[],"d":null})";
  const JsonValue value = parse_json(text, "a.json");
  EXPECT_EQ(compact(value), text);
  EXPECT_EQ(to_text(value),
            "{\n  \"a\": [\n    1,\n    2.50,\n    \"x\\\"y\"\n  ],\n  \"b\": {},\n"
            "  \"c\": [],\n  \"d\": null\n}");
}

TEST(JsonText, ValuesMadeByCodeAreExact) {
  EXPECT_EQ(compact(json_of(0.1)), "0.1");
  EXPECT_EQ(compact(json_of(1e300)), "1e+300");
  EXPECT_EQ(compact(json_of(std::uint64_t{18446744073709551615u})), "18446744073709551615");
  EXPECT_EQ(compact(json_of(std::int64_t{-9007199254740993})), "-9007199254740993");
  EXPECT_EQ(compact(json_of("tab\t\x01")), "\"tab\\t\\u0001\"");
  EXPECT_EQ(compact(json_of(true)), "true");
  EXPECT_EQ(compact(json_of("\xFF")), "\"\xEF\xBF\xBD\"");
}

TEST(JsonText, ValuesThatJsonLacksAreOurBug) {
  EXPECT_THROW(json_of(std::numeric_limits<double>::quiet_NaN()), InvariantViolation);
  EXPECT_THROW(json_of(std::numeric_limits<double>::infinity()), InvariantViolation);
  JsonValue object = json_object();
  add_member(object, "a", json_of(1));
  EXPECT_THROW(add_member(object, "a", json_of(2)), InvariantViolation);
}

// As RFC 7396, but a null sets null.
TEST(MergeJson, ReplacesAddsAndMergesObjects) {
  JsonValue target = parse_json(R"({"a":1,"b":{"c":2,"d":[1,2]},"e":{"f":1}})", "base.json");
  merge_json(target, parse_json(R"({"b":{"d":[3],"x":4},"a":null,"e":5,"y":6})", "top.json"));
  EXPECT_EQ(compact(target), R"({"a":null,"b":{"c":2,"d":[3],"x":4},"e":5,"y":6})");
  EXPECT_EQ(*target.find("b")->find("c")->place.origin, "base.json");
  EXPECT_EQ(*target.find("b")->find("x")->place.origin, "top.json");
  EXPECT_EQ(*target.find("b")->place.origin, "top.json");
}

TEST(SetJson, SetsJsonValuesAndBareWords) {
  EXPECT_EQ(after_set(R"({"a":{"b":1}})", "a.b=2"), R"({"a":{"b":2}})");
  EXPECT_EQ(after_set("{}", "a.b.c=true"), R"({"a":{"b":{"c":true}}})");
  EXPECT_EQ(after_set("{}", "t=2 us"), R"({"t":"2 us"})");
  EXPECT_EQ(after_set("{}", "t=\"8\""), R"({"t":"8"})");
  EXPECT_EQ(after_set("{}", "l=[1, {\"x\": null}]"), R"({"l":[1,{"x":null}]})");
  EXPECT_EQ(after_set(R"({"a":null})", "a.b=1"), R"({"a":{"b":1}})");
  EXPECT_EQ(after_set("{}", "s="), R"({"s":""})");
  EXPECT_EQ(after_set("{}", "s=a=b\\\"c"), R"({"s":"a=b\\\"c"})");
}

TEST(SetJson, TheValuesPlaceIsTheFlag) {
  JsonValue root = parse_json("{}", "a.json");
  EXPECT_FALSE(root.place.is_override());
  set_json(root, "a.b=[1]");
  EXPECT_EQ(root.find("a")->find("b")->items[0].place.text(), "--set a.b=[1]");
  EXPECT_TRUE(root.find("a")->find("b")->items[0].place.is_override());
}

TEST(SetJson, MalformedAssignmentsAreErrorsAtTheFlag) {
  for (const char* bad : {"", "=", "=1", "a", "a..b=1", ".a=1", "a.=1", "a={\"b\":1", "a=[1,]",
                          "a={\"b\":1,\"b\":2}", "s.x=1", "l.1=1", "l.-1=1", "a=\xFF", "a=\n"}) {
    JsonValue root = parse_json(R"({"s":"text","l":[1]})", "a.json");
    const Error error = thrown_error([&] { set_json(root, bad); });
    EXPECT_EQ(error.where(), "--set " + std::string(bad));
  }
}

TEST(SetJson, ItemsOfListsAreToldByTheirNumber) {
  EXPECT_EQ(after_set(R"({"jobs":[{"a":1},{"a":2}]})", "jobs.1.a=3"),
            R"({"jobs":[{"a":1},{"a":3}]})");
  EXPECT_EQ(after_set(R"({"l":[[1],[2,3]]})", "l.1.0=4"), R"({"l":[[1],[4,3]]})");
}

TEST(SetJson, AnItemThatThereIsNotSaysHowManyThereAre) {
  JsonValue root = parse_json(R"({"a":{"l":[1]}})", "a.json");
  const Error error = thrown_error([&] { set_json(root, "a.l.x=1"); });
  EXPECT_EQ(error.message(), "the list has 1 items, and no \"x\"");
  EXPECT_EQ(error.hint(), "items are counted from 0: jobs.1.start");
  EXPECT_EQ(thrown_error([&] { set_json(root, "a.l.1=1"); }).message(),
            "the list has 1 items, and no \"1\"");
}

TEST(SetJson, AKeyUnderAScalarSaysWhatStandsThere) {
  JsonValue root = parse_json(R"({"a":{"s":"text"}})", "a.json");
  EXPECT_EQ(thrown_error([&] { set_json(root, "a.s.x=1"); }).message(),
            "\"x\" cannot be set: \"a.s\" is a string, not an object");
}

TEST(SetJson, EndlessPathsAreRefused) {
  std::string path = "a";
  for (int i = 0; i < 50000; ++i) path += ".a";
  JsonValue root = json_object();
  EXPECT_EQ(thrown_error([&] { set_json(root, path + "=1"); }).message(),
            "the path has more than 64 keys");
}

}  // namespace
}  // namespace moesim::base
