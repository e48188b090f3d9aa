// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/sweep_section.h"

#include <gtest/gtest.h>

#include "base/json_schema.h"
#include "tests/base/thrown_error.h"

namespace moesim::experiments {
namespace {

TEST(SweepSection, TheSchemaRefersToWhatItDefines) {
  base::SchemaDefinitions definitions;
  const base::JsonValue schema =
      make_codec(base::Type<SweepSection>{})->schema(definitions, base::Bounds{});
  const std::string text = base::to_text(schema, base::JsonStyle::compact);
  for (const char* name : {"swept_keys", "swept_values"}) {
    EXPECT_EQ(definitions.schemas().count(name), 1u) << name;
    EXPECT_NE(text.find("#/definitions/" + std::string(name)), std::string::npos) << name;
  }
  for (const char* key : {"zip", "cases", "exclude", "sample"}) {
    EXPECT_NE(schema.find("properties")->find(key), nullptr) << key;
  }
}

TEST(SweepSection, IsAnObjectThatIsKeptAsItIs) {
  const base::CodecPtr codec = make_codec(base::Type<SweepSection>{});
  SweepSection section;
  base::ReadReport report;
  const base::ReadContext context{"/sweep", false, &report, {}};
  codec->read(base::parse_json(R"({"a.b": [1]})", "file.json"), &section, context);
  EXPECT_EQ(base::to_text(codec->write(&section), base::JsonStyle::compact), R"({"a.b":[1]})");
  const base::Error error = base::thrown_error(
      [&] { codec->read(base::parse_json("[1]", "file.json"), &section, context); });
  EXPECT_EQ(error.where(), "file.json:1:1  /sweep");
}

}  // namespace
}  // namespace moesim::experiments
