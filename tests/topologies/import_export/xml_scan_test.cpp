// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/xml_scan.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/base/thrown_error.h"

namespace moesim::topologies {
namespace {

std::vector<std::string> scanned(std::string_view text) {
  std::vector<std::string> seen;
  scan_xml(text, "file",
           {[&](const XmlElement& element) {
              const std::string* id = element.find("id");
              seen.push_back(std::to_string(element.depth) + element.name +
                             std::to_string(element.line) + (id == nullptr ? "" : *id));
            },
            [&](const std::string& name) { seen.push_back("/" + name); }});
  return seen;
}

TEST(XmlScan, VisitsElementsInOrder) {
  EXPECT_EQ(scanned("<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM \"https://x/a.dtd\">\n<a>\n"
                    "<!-- R&D <b> --><b id='1 &lt; 2 &#65;'/>text</a>"),
            (std::vector<std::string>{"0a3", "1b41 < 2 A", "/b", "/a"}));
}

struct Case {
  std::string text;
  const char* where;
  const char* message;
};

TEST(XmlScan, RefusesWhatIsMalformedOrHostile) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  const Case cases[] = {
      {"<a>\n<b></a>", "file:2:6", "malformed XML: mismatched tag"},
      {"<a b='1' b='2'/>", "file:1", "duplicate attribute"},
      {"", "file:1", "no element found"},
      {deep, "file:1", "nest deeper than 32"},
      {"<!DOCTYPE a [<!ENTITY l \"lol\">]>\n<a b=\"&l;\"/>", "file:2", "an entity"},
      {"<!DOCTYPE a [<!ENTITY l \"lol\">]><a/>", "file:1", "the DOCTYPE declares"},
      {"<!DOCTYPE a SYSTEM \"x.dtd\"><a>&secret;</a>", "file:1", "an entity"},
      {"<!DOCTYPE a SYSTEM \"x.dtd\" [<!ENTITY % p SYSTEM \"file:///etc/passwd\"> %p;]><a/>",
       "file:1", "the DOCTYPE declares"},
  };
  for (const Case& entry : cases) {
    const base::Error error = base::thrown_error([&] { scanned(entry.text); });
    EXPECT_TRUE(error.where().starts_with(entry.where)) << error.what();
    EXPECT_NE(error.message().find(entry.message), std::string::npos) << error.what();
    EXPECT_FALSE(error.hint().empty());
  }
}

TEST(XmlScan, PassesOnWhatAVisitorThrows) {
  EXPECT_THROW(
      scan_xml("<a/>", "file", {[](const XmlElement&) { throw std::out_of_range("visitor"); }, {}}),
      std::out_of_range);
}

}  // namespace
}  // namespace moesim::topologies
