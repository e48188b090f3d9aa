// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <regex>

#include "base/check.h"
#include "tests/base/sample_struct.h"

namespace moesim::base {
namespace {

using sample::Sample;

class SampleSchema : public ::testing::Test {
 protected:
  // The schema of a property of Sample, on one line.
  std::string property(const std::string& name) const {
    return to_text(*schema_.find("properties")->find(name), JsonStyle::compact);
  }

  const JsonValue schema_ = parse_json(json_schema<Sample>("Sample file"), "schema.json");
};

TEST_F(SampleSchema, IsAClosedDraft7Object) {
  EXPECT_EQ(schema_.find("$schema")->text, "http://json-schema.org/draft-07/schema#");
  EXPECT_EQ(schema_.find("title")->text, "Sample file");
  EXPECT_EQ(schema_.find("type")->text, "object");
  EXPECT_FALSE(schema_.find("additionalProperties")->boolean);
}

TEST_F(SampleSchema, NumbersShowTheirBoundsAndDefaults) {
  EXPECT_EQ(property("num_experts"),
            R"({"type":"integer","minimum":1,"maximum":4096,"description":)"
            R"("Routed experts | all layers. Range: at least 1, at most 4096.","default":8})");
  EXPECT_EQ(property("scale"),
            R"({"type":"number","exclusiveMinimum":0,"maximum":10,"description":)"
            R"("A factor. Range: above 0, at most 10.","default":1.5})");
  EXPECT_EQ(property("sizes"),
            R"({"type":"array","items":{"type":"integer","minimum":0},"description":)"
            R"("A list. Range: at least 0.","default":[1,2]})");
  EXPECT_EQ(property("weights"),
            R"({"type":"object","additionalProperties":{"type":"number","maximum":1},)"
            R"("description":"By name. Range: at most 1.","default":{}})");
}

TEST_F(SampleSchema, AliasesAreProperties) {
  EXPECT_EQ(property("n_routed_experts"),
            R"({"type":"integer","minimum":1,"maximum":4096,"description":)"
            R"("Another name of num_experts.","default":8})");
}

TEST_F(SampleSchema, RequiredKeysHaveNoDefault) {
  EXPECT_EQ(property("name"), R"({"type":"string","description":"What it is called."})");
  EXPECT_EQ(to_text(*schema_.find("allOf"), JsonStyle::compact), R"([{"required":["name"]}])");
}

TEST_F(SampleSchema, StructsAreDefinitionsByTitle) {
  EXPECT_EQ(property("router"), R"({"allOf":[{"$ref":"#/definitions/router_config"}],)"
                                R"("description":"How tokens choose."})");
  EXPECT_EQ(property("links"), R"({"type":"array","items":{"$ref":"#/definitions/link"},)"
                               R"("description":"The cables."})");
  EXPECT_EQ(property("uplink"), R"({"anyOf":[{"$ref":"#/definitions/link"},{"type":"null"}],)"
                                R"("description":"The way out."})");
  EXPECT_EQ(property("extra"), R"({"description":"Kept as it is.","default":null})");
  const JsonValue* definitions = schema_.find("definitions");
  ASSERT_EQ(definitions->members.size(), 2u);
  EXPECT_EQ(definitions->find("link")->find("description")->text, "One cable.");
  const JsonValue* router = definitions->find("router_config")->find("properties");
  EXPECT_EQ(to_text(*router->find("token_drop_policy"), JsonStyle::compact),
            R"({"enum":["probs","position"],"description":"Which pairs a full expert drops. )"
            R"(Only used when capacity_factor is set.","default":"probs"})");
}

// What the pattern takes, the parser takes, and the other way round.
TEST_F(SampleSchema, QuantityPatternsAgreeWithTheParser) {
  const std::regex pattern(schema_.find("properties")->find("latency")->find("pattern")->text);
  for (const char* text : {"2 us", "2us", ".5 ms", "1.5e-3 s", "3. h", "2", "2 US", "-2 us",
                           "2 us ", " 2 us", "x", "1e s", "2 GB", ". s", "2  min"}) {
    bool is_read = true;
    try {
      parse_seconds(text);
    } catch (const Error&) {
      is_read = false;
    }
    EXPECT_EQ(std::regex_search(text, pattern), is_read) << text;
  }
}

struct Other {
  int x = 0;
};

void describe(FieldTable& table, Other& other) {
  table.title("link", "A second struct of that title.");
  table.field("x", other.x, "X.");
}

struct Clash {
  sample::Link link;
  Other other;
};

void describe(FieldTable& table, Clash& clash) {
  table.field("link", clash.link, "One.");
  table.field("other", clash.other, "Two.");
}

TEST(JsonSchema, TwoStructsOfOneTitleAreOurBug) {
  EXPECT_THROW(json_schema<Clash>("clash"), InvariantViolation);
}

TEST(ReferenceMarkdown, HasATablePerStruct) {
  const std::string page = reference_markdown<Sample>("Sample file");
  EXPECT_TRUE(
      page.starts_with("# Sample file\n\n| key | type | default | meaning |\n|---|---|---|---|\n"
                       "| `name` | string | *required* | What it is called. |\n"));
  const auto has = [&](const std::string& line) {
    return page.find("\n" + line + "\n") != std::string::npos;
  };
  EXPECT_TRUE(
      has("| `num_experts` | integer; at least 1, at most 4096 | `8` | Routed experts \\| "
          "all layers. Also accepted: `num_local_experts`. Also accepted: "
          "`n_routed_experts`. |"));
  EXPECT_TRUE(has("| `latency` | a time, `\"2 us\"`; at least 1 ns | `\"2 us\"` | A time. |"));
  EXPECT_TRUE(has("| `links` | list of: [link](#link) | `[]` | The cables. |"));
  EXPECT_TRUE(has("| `router` | [router_config](#router_config) |  | How tokens choose. |"));
  EXPECT_TRUE(has("## link\n\nOne cable.\n\n| key | type | default | meaning |"));
  EXPECT_TRUE(
      has("| `token_drop_policy` | one of `probs`, `position` | `\"probs\"` | Which pairs "
          "a full expert drops. Only used when capacity_factor is set. |"));
  EXPECT_EQ(page.find("## link"), page.rfind("## link"));
}

}  // namespace
}  // namespace moesim::base
