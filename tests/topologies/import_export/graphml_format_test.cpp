// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/topologies/import_export/refusal.h"

namespace moesim::topologies {
namespace {

using testing::refusal;
using testing::with;

// As another tool would write it: other ids, keys out of order, typed numbers, a default.
constexpr const char* kPair = R"(<?xml version="1.0"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="r" for="node" attr.name="rank" attr.type="long"/>
  <key id="k" for="node" attr.name="kind" attr.type="string"/>
  <key id="n" for="node" attr.name="node" attr.type="int"/>
  <key id="m" for="node" attr.name="name" attr.type="string"/>
  <key id="l" for="edge" attr.name="kind" attr.type="string"/>
  <key id="b" for="edge" attr.name="bandwidth" attr.type="string"/>
  <key id="t" for="edge" attr.name="latency" attr.type="string"/>
  <graph edgedefault="directed">
    <node id="x"><data key="m">a</data><data key="k">accelerator</data>
      <data key="n">0</data><data key="r">1</data></node>
    <node id="y"><data key="m">b</data><data key="k">accelerator</data>
      <data key="n">0</data><data key="r">0</data></node>
    <edge source="x" target="y"><data key="l">scale_up</data>
      <data key="b">1 GB/s</data><data key="t">1 us</data></edge>
    <edge source="y" target="x"><data key="l">scale_up</data>
      <data key="b">2 GB/s</data><data key="t">1 us</data></edge>
  </graph>
</graphml>
)";

TEST(GraphmlFormat, ReadsOtherToolsFiles) {
  const Cluster cluster = cluster_from_text(kPair, Format::graphml, "file");
  EXPECT_EQ(cluster.accelerators, (std::vector<int>{1, 0}));
  EXPECT_EQ(cluster.links[1].name, "b->a");
  EXPECT_EQ(cluster.links[1].bandwidth.value, 2e9);
}

struct Case {
  const char* from;
  const char* to;
  const char* where;
  const char* message;
};

TEST(GraphmlFormat, NamesWhatIsWrongAndWhere) {
  const Case cases[] = {
      {"\"directed\"", "\"undirected\"", "file:10", "must be directed"},
      {"<node id=\"y\">", "<node id=\"x\">", "file:13", "\"x\" is given twice"},
      {"target=\"y\"", "target=\"z\"", "file:15", "\"z\" is no node above it"},
      {"<edge source=\"x\"", "<edge directed=\"false\" source=\"x\"", "file:15", "undirected edge"},
      {"</graph>", "</graph><graph edgedefault=\"directed\"/>", "file:19", "a second <graph>"},
      {"<key id=\"r\"", "<port/><key id=\"r\"", "file:3", "<port> is not read"},
      {"attr.name=\"rank\"", "attr.name=\"rnk\"", "file:11", "unknown key \"rnk\""},
      {">accelerator<", ">gpu<", "file:11", "\"gpu\" is no kind"},
      {">1 GB/s<", ">0 GB/s<", "file:15", "above 0"},
      {">1 GB/s<", ">inf<", "file:15", "does not begin with a number"},
      {">1</data>", ">one</data>", "file:11", "must be an integer"},
      {"target=\"y\"", "target=\"x\"", "file:15", "both ends are"},
      {"</graphml>", "", "file:21", "malformed XML"},
      {"<?xml version=\"1.0\"?>", "<!DOCTYPE g [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>",
       "file:1", "an entity"},
      {"<?xml version=\"1.0\"?>", "<!DOCTYPE g [<!ENTITY a SYSTEM \"/etc/passwd\">]>", "file:1",
       "the DOCTYPE declares"},
  };
  for (const Case& entry : cases) {
    const base::Error error = refusal(Format::graphml, with(kPair, entry.from, entry.to));
    EXPECT_TRUE(error.where().starts_with(entry.where)) << entry.to << "\n" << error.what();
    EXPECT_NE(error.message().find(entry.message), std::string::npos) << error.what();
    EXPECT_FALSE(error.hint().empty()) << error.what();
  }
}

}  // namespace
}  // namespace moesim::topologies
