// SPDX-License-Identifier: Apache-2.0
#include "base/json_reader.h"

#include <gtest/gtest.h>

#include "tests/base/sample_struct.h"
#include "tests/base/thrown_error.h"

namespace moesim::base {
namespace {

using sample::Link;
using sample::Policy;
using sample::RouterConfig;
using sample::Sample;

template <class T>
T read_text(const std::string& text) {
  T object;
  ReadReport report;
  read_json(parse_json(text, "a.json"), object, report);
  EXPECT_TRUE(report.warnings.empty());
  return object;
}

// The error of a Sample with a name and one further member, which begins at column 14.
Error sample_error(const std::string& member) {
  return thrown_error([&] { read_text<Sample>("{\"name\": \"x\"," + member + "}"); });
}

constexpr const char* kFullText = R"({
  "name": "full", "enabled": false, "num_experts": 64, "offset": -9007199254740993,
  "seed": 18446744073709551615, "scale": 2, "latency": "3 us", "memory": "80 GiB",
  "peak": "1.5 PFLOP/s", "sizes": [4, 0], "weights": {"a": 0.5, "b": 1},
  "uplink": {"rate": "400 Gb/s"}, "links": [{"rate": "1 GB/s", "latency": "0 s"}],
  "router": {"capacity_factor": 1.25, "token_drop_policy": "position"},
  "extra": {"kept": [1, null]}
})";

TEST(ReadJson, ReadsEveryFieldType) {
  const Sample sample = read_text<Sample>(kFullText);
  EXPECT_EQ(sample.name, "full");
  EXPECT_FALSE(sample.enabled);
  EXPECT_EQ(sample.num_experts, 64);
  EXPECT_EQ(sample.offset, -9007199254740993);  // 2^53 + 1: no double on the way
  EXPECT_EQ(sample.seed, 18446744073709551615u);
  EXPECT_EQ(sample.scale, 2.0);
  EXPECT_EQ(sample.latency, Seconds(3e-6));
  EXPECT_EQ(sample.memory, Bytes(85899345920.0));
  EXPECT_EQ(sample.peak, FlopsPerSecond(1.5e15));
  EXPECT_EQ(sample.sizes, (std::vector<int>{4, 0}));
  EXPECT_EQ(sample.weights, (std::map<std::string, double>{{"a", 0.5}, {"b", 1}}));
  EXPECT_EQ(sample.uplink, (Link{BytesPerSecond(50e9), Seconds(1e-6)}));
  EXPECT_EQ(sample.links, (std::vector<Link>{{BytesPerSecond(1e9), Seconds(0)}}));
  EXPECT_EQ(sample.router, (RouterConfig{1.25, Policy::position}));
  EXPECT_EQ(to_text(sample.extra, JsonStyle::compact), R"({"kept":[1,null]})");
}

TEST(ReadJson, AbsentKeysKeepTheirValues) {
  Sample sample;
  sample.num_experts = 3;
  sample.router.capacity_factor = 2;
  ReadReport report;
  read_json(parse_json(R"({"name": "x", "router": {}})", "a.json"), sample, report);
  EXPECT_EQ(sample.num_experts, 3);
  EXPECT_EQ(sample.router.capacity_factor, 2.0);
}

TEST(ReadJson, NullEmptiesAnOptional) {
  RouterConfig router;
  router.capacity_factor = 2;
  ReadReport report;
  read_json(parse_json(R"({"capacity_factor": null})", "a.json"), router, report);
  EXPECT_FALSE(router.capacity_factor.has_value());
}

TEST(ReadJson, AliasesAreAccepted) {
  EXPECT_EQ(read_text<Sample>(R"({"name": "x", "n_routed_experts": 5})").num_experts, 5);
}

TEST(ReadJson, TwoNamesOfOneFieldAreAnError) {
  const Error error = sample_error("\n\"num_experts\": 4, \"num_local_experts\": 4");
  EXPECT_EQ(error.where(), "a.json:2:19  /num_local_experts");
  EXPECT_EQ(error.message(), "\"num_local_experts\" and \"num_experts\" name the same field");
  EXPECT_EQ(error.hint(), "keep one of them; \"num_experts\" is at a.json:2:1");
}

TEST(ReadJson, UnknownKeysNameTheNearest) {
  const Error error = sample_error("\"num_expert\": 4");
  EXPECT_EQ(error.where(), "a.json:1:14  /num_expert");
  EXPECT_EQ(error.message(), "unknown key \"num_expert\"");
  EXPECT_EQ(error.hint(), "did you mean \"num_experts\"?");
  EXPECT_EQ(sample_error("\"NumLocal-Experts\": 4").hint(), "did you mean \"num_local_experts\"?");
  EXPECT_EQ(sample_error("\"router\": {\"zzzzzzzzz\": 4}").hint(),
            "accepted: capacity_factor, token_drop_policy");
}

TEST(ReadJson, PointersEscapeTheirKeys) {
  EXPECT_EQ(sample_error("\"weights\": {\"a/b~c\": \"x\"}").where(),
            "a.json:1:35  /weights/a~1b~0c");
}

TEST(ReadJson, MissingRequiredKeysAreErrors) {
  const Error error = thrown_error([] { read_text<Sample>("{}"); });
  EXPECT_EQ(error.where(), "a.json:1:1");
  EXPECT_EQ(error.message(), "missing key \"name\"");
  EXPECT_EQ(error.hint(), "What it is called.");
  EXPECT_EQ(sample_error("\"links\": [{}]").where(), "a.json:1:24  /links/0");
}

struct BadMember {
  const char* member;
  const char* pointer;
  const char* message;
  const char* hint;
};

TEST(ReadJson, WrongValuesSayWhatWasExpectedAndFound) {
  const std::string times = "accepted: ns, us, ms, s, min, h";
  const std::string time_hint = "write \"2 us\"; " + times;
  const BadMember members[] = {
      {"\"enabled\": 1", "/enabled", "expected true or false, found 1", ""},
      {"\"scale\": \"8\"", "/scale", "expected a number, found the string \"8\"",
       "write 8, without quotes"},
      {"\"scale\": null", "/scale", "expected a number, found null", ""},
      {"\"scale\": 0", "/scale", "must be above 0, at most 10; found 0", ""},
      {"\"scale\": 10.5", "/scale", "must be above 0, at most 10; found 10.5", ""},
      {"\"num_experts\": 1.5", "/num_experts", "expected an integer, found 1.5", ""},
      {"\"num_experts\": 1e3", "/num_experts", "expected an integer, found 1e3", "write 1000"},
      {"\"num_experts\": 2.0", "/num_experts", "expected an integer, found 2.0", "write 2"},
      {"\"num_experts\": true", "/num_experts", "expected an integer, found true", ""},
      {"\"num_experts\": 0", "/num_experts", "must be at least 1, at most 4096; found 0", ""},
      {"\"num_experts\": 3000000000", "/num_experts",
       "expected an integer from -2147483648 to 2147483647, found 3000000000", ""},
      {"\"seed\": -1", "/seed", "expected an integer from 0 to 18446744073709551615, found -1", ""},
      {"\"seed\": 18446744073709551616", "/seed",
       "expected an integer from 0 to 18446744073709551615, found 18446744073709551616", ""},
      {"\"latency\": 2", "/latency", "2 has no unit", time_hint.c_str()},
      {"\"latency\": -3", "/latency", "-3 has no unit", time_hint.c_str()},
      {"\"latency\": \"2\"", "/latency", "\"2\" has no unit", time_hint.c_str()},
      {"\"latency\": [2]", "/latency", "expected a time, found a list", time_hint.c_str()},
      {"\"latency\": \"0 s\"", "/latency", "must be at least 1 ns; found \"0 s\"", ""},
      {"\"sizes\": 1", "/sizes", "expected a list, found 1", "write [...], even for one entry"},
      {"\"sizes\": [0, -1]", "/sizes/1", "must be at least 0; found -1", ""},
      {"\"weights\": []", "/weights", "expected an object, found a list", ""},
      {"\"weights\": {\"k\": 2}", "/weights/k", "must be at most 1; found 2", ""},
      {"\"router\": 5", "/router", "expected an object {...}, found 5", ""},
      {"\"uplink\": {\"rate\": \"0 B/s\"}", "/uplink/rate", "must be above 0 B/s; found \"0 B/s\"",
       ""},
      {"\"router\": {\"capacity_factor\": 1, \"token_drop_policy\": \"prob\"}",
       "/router/token_drop_policy", "unknown name \"prob\"",
       "did you mean \"probs\"? one of probs, position"},
      {"\"router\": {\"capacity_factor\": 1, \"token_drop_policy\": 3}",
       "/router/token_drop_policy", "expected a name, found 3", "one of probs, position"},
  };
  for (const BadMember& bad : members) {
    const Error error = sample_error(bad.member);
    EXPECT_EQ(error.message(), bad.message);
    EXPECT_EQ(error.hint(), bad.hint) << bad.message;
    EXPECT_TRUE(error.where().ends_with("  " + std::string(bad.pointer))) << error.where();
    EXPECT_TRUE(error.where().starts_with("a.json:1:")) << error.where();
  }
}

TEST(ReadJson, StringsWantQuotes) {
  const Error error = thrown_error([] { read_text<Sample>("{\"name\": 671}"); });
  EXPECT_EQ(error.message(), "expected a string, found 671");
  EXPECT_EQ(error.hint(), "write \"671\", in quotes");
}

TEST(ReadJson, OnlyObjectsAreStructs) {
  EXPECT_EQ(thrown_error([] { read_text<Sample>("[]"); }).message(),
            "expected an object {...}, found a list");
}

TEST(ReadJson, PointersBeginWhereTheCallerStands) {
  Link link;
  ReadReport report;
  const Error error = thrown_error(
      [&] { read_json(parse_json("{\"rat\": 1}", "a.json"), link, report, "/cluster/links/3"); });
  EXPECT_EQ(error.where(), "a.json:1:2  /cluster/links/3/rat");
}

TEST(UsedWhen, AKeyWithoutEffectIsAnError) {
  const Error error = sample_error("\"router\": {\"token_drop_policy\": \"position\"}");
  EXPECT_EQ(error.where(), "a.json:1:25  /router/token_drop_policy");
  EXPECT_EQ(error.message(),
            "\"token_drop_policy\" has no effect: it is only used when capacity_factor is set");
  EXPECT_EQ(error.hint(), "remove it");
}

// The condition is on the values read, whatever the order of the keys.
TEST(UsedWhen, TheConditionSeesTheValuesRead) {
  const RouterConfig router =
      read_text<RouterConfig>(R"({"token_drop_policy": "position", "capacity_factor": 1})");
  EXPECT_EQ(router.token_drop_policy, Policy::position);
}

TEST(UsedWhen, AFlagMakesItAWarning) {
  JsonValue root =
      parse_json(R"({"capacity_factor": 1.5, "token_drop_policy": "position"})", "a.json");
  set_json(root, "capacity_factor=null");
  RouterConfig router;
  ReadReport report;
  read_json(root, router, report);
  ASSERT_EQ(report.warnings.size(), 1u);
  const std::string what =
      "\"token_drop_policy\" has no effect: it is only used when capacity_factor is set";
  EXPECT_EQ(placed_text(report.warnings[0]), "a.json:1:26  /token_drop_policy: " + what);
  EXPECT_EQ(placeless_text(report.warnings[0]), "/token_drop_policy: " + what);
}

TEST(UsedWhen, AKeyFromAPresetIsAWarning) {
  JsonValue preset = parse_json(R"({"token_drop_policy": "position"})", "preset.json");
  merge_json(preset, parse_json(R"({"capacity_factor": null})", "a.json"));
  RouterConfig router;
  ReadReport report;
  read_json(preset, router, report);
  EXPECT_EQ(report.warnings.size(), 1u);
}

struct Pair {
  bool double_sided = false;
  std::optional<int> back;
};

void describe(FieldTable& table, Pair& pair) {
  table.field("double_sided", pair.double_sided, "Two sides.");
  table.field("back", pair.back, "The other side.")
      .required()
      .used_when(pair.double_sided, "double_sided is true");
}

TEST(UsedWhen, RequiredMeansRequiredWhereUsed) {
  EXPECT_FALSE(read_text<Pair>("{}").back.has_value());
  EXPECT_EQ(thrown_error([] { read_text<Pair>("{\"double_sided\": true}"); }).message(),
            "missing key \"back\"");
}

struct Sleeve {
  bool has_cuffs = false;  // Coat::is_formal, handed down
  int buttons = 0;
};

void describe(FieldTable& table, Sleeve& sleeve) {
  table.field("buttons", sleeve.buttons, "Of the cuff.")
      .required()
      .used_when(sleeve.has_cuffs, "is_formal is true");
}

struct Coat {
  Sleeve sleeve;
  bool is_formal = false;
};

void describe(FieldTable& table, Coat& coat) {
  coat.sleeve.has_cuffs = coat.is_formal;
  table.field("sleeve", coat.sleeve, "The sleeve.");
  table.field("is_formal", coat.is_formal, "For the evening.");
}

// Whatever the order of keys and fields, the outer struct's own values are read first.
TEST(UsedWhen, ConditionsOfANestedStructMayFollowTheOuterOne) {
  EXPECT_EQ(read_text<Coat>(R"({"sleeve": {"buttons": 4}, "is_formal": true})").sleeve.buttons, 4);
  EXPECT_EQ(thrown_error([] { read_text<Coat>(R"({"sleeve": {}, "is_formal": true})"); }).message(),
            "missing key \"buttons\"");
  EXPECT_EQ(thrown_error([] { read_text<Coat>(R"({"sleeve": {"buttons": 4}})"); }).message(),
            "\"buttons\" has no effect: it is only used when is_formal is true");
}

TEST(WriteJson, ReadsBackToTheSame) {
  const Sample sample = read_text<Sample>(kFullText);
  const std::string text = write_json(sample);
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(write_json(read_text<Sample>(text)), text);
  EXPECT_EQ(read_text<Sample>(text).router, sample.router);
}

TEST(WriteJson, ShowsDefaultsWithUnitsAndLeavesOutWhatIsUnused) {
  Sample sample;
  sample.name = "x";
  EXPECT_EQ(to_text(to_json(sample), JsonStyle::compact),
            R"({"name":"x","enabled":true,"num_experts":8,"offset":-1,"seed":0,"scale":1.5,)"
            R"("latency":"2 us","memory":"80 GB","peak":"989 TFLOP/s","sizes":[1,2],"weights":{},)"
            R"("uplink":null,"links":[],"router":{"capacity_factor":null},"extra":null})");
  EXPECT_EQ(write_json(read_text<Sample>(write_json(sample))), write_json(sample));
}

}  // namespace
}  // namespace moesim::base
