// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/topologies/import_export/refusal.h"

namespace moesim::topologies {
namespace {

using testing::refusal;
using testing::with;

constexpr const char* kPair = R"({
  "format": "moesim cluster",
  "format_version": 1,
  "vertices": [
    {"name": "a", "kind": "accelerator", "node": 0, "rank": 0},
    {"name": "b", "kind": "accelerator", "node": 1, "rank": 1},
    {"name": "s", "kind": "fabric_switch", "tier": 1, "place": [2, 0], "reducer": true}
  ],
  "links": [
    {"from": "a", "to": "s", "kind": "nic", "bandwidth": "50 GB/s", "latency": "1 us"},
    {"from": "s", "to": "a", "kind": "nic", "bandwidth": "50 GB/s", "latency": "1 us"},
    {"from": "b", "to": "s", "kind": "nic", "bandwidth": "25 GB/s", "latency": "0 s"},
    {"from": "s", "to": "b", "kind": "nic", "bandwidth": "25 GB/s", "latency": "0 s",
     "name": "down"}
  ]
}
)";

TEST(JsonFormat, ReadsWhatPeopleWrite) {
  const Cluster cluster = cluster_from_text(kPair, Format::json, "file");
  EXPECT_EQ(cluster.accelerators, (std::vector<int>{0, 1}));
  EXPECT_EQ(cluster.num_nodes, 2);
  EXPECT_EQ(cluster.reducers, std::vector<int>{2});
  EXPECT_EQ(cluster.vertices[2].place, (std::vector<int>{2, 0}));
  EXPECT_EQ(cluster.vertices[2].tier, 1);
  EXPECT_EQ(cluster.links[0].name, "a->s");
  EXPECT_EQ(cluster.links[0].bandwidth.value, 50e9);
  EXPECT_EQ(cluster.links[0].latency.value, 1e-6);
  EXPECT_EQ(cluster.links[3].name, "down");
}

struct Case {
  const char* from;
  const char* to;
  const char* where;    // what the error's place begins with
  const char* message;  // a part of it
};

// One change each, and what is said about it. Lines are counted in kPair.
TEST(JsonFormat, NamesWhatIsWrongAndWhere) {
  const Case cases[] = {
      {"\"moesim cluster\"", "\"graph\"", "file:2", "no graph file of moesim"},
      {"\"format_version\": 1", "\"format_version\": 2", "file:3", "only version 1"},
      {"\"vertices\"", "\"vertexes\"", "file:4", "unknown key \"vertexes\""},
      {"\"kind\": \"accelerator\"", "\"kind\": \"acelerator\"", "file:5",
       "\"acelerator\" is no kind"},
      {"\"name\": \"b\"", "\"name\": \"a\"", "file:6", "given twice"},
      {"\"name\": \"b\", ", "", "file:6", "\"name\" is missing"},
      {"\"name\": \"b\"", "\"name\": \"b\\n\"", "file:6", "cannot be a name"},
      {"\"rank\": 1", "\"rank\": 0", "file:5", "rank 0 is taken"},
      {"\"rank\": 1", "\"rank\": 2000000000", "file:6", "out of range"},
      {"\"rank\": 1", "\"rank\": \"1\"", "file:6", "must be an integer"},
      {"\"rank\": 1", "\"rank\": 1e99", "file:6", "must be an integer"},
      {"\"node\": 1", "\"node\": 7", "file", "3 nodes do not fit"},
      {"\"node\": 1", "\"node\": -2", "file:6", "no node -2"},
      {"\"node\": 1, ", "", "file:6", "needs the node"},
      {"\"place\": [2, 0]", "\"place\": [2, 0.5]", "file:7", "must be integers"},
      {"\"reducer\": true", "\"reducer\": 1", "file:7", "must be true or false"},
      {"\"place\": [2, 0]", "\"rank\": 0", "file:7", "rank 0 is not one it can serve"},
      {"\"kind\": \"accelerator\", \"node\": 0, \"rank\": 0", "\"kind\": \"nic\", \"node\": 0",
       "file", "2 nodes do not fit"},
      {"\"from\": \"b\"", "\"from\": \"c\"", "file:12", "\"c\", which is no vertex"},
      {"\"from\": \"b\"", "\"from\": \"s\"", "file:12", "both ends are \"s\""},
      {"\"name\": \"down\"", "\"name\": \"a->s\"", "file:13", "\"a->s\" is given twice"},
      {"\"25 GB/s\"", "\"0 GB/s\"", "file:12", "above 0"},
      {"\"25 GB/s\"", "\"-25 GB/s\"", "file:12", "cannot be negative"},
      {"\"25 GB/s\"", "\"nan GB/s\"", "file:12", "does not begin with a number"},
      {"\"25 GB/s\"", "\"1e999 GB/s\"", "file:12", "outside what a double holds"},
      {"\"25 GB/s\"", "\"25\"", "file:12", "has no unit"},
      {"\"25 GB/s\"", "25", "file:12", "must be a string"},
      {"\"latency\": \"0 s\"", "\"latency\": \"-1 us\"", "file:12", "cannot be negative"},
      {"\"latency\": \"0 s\",\n     \"name\": \"down\"", "\"bandwith\": \"0 s\"", "file:13",
       "unknown key"},
      {",\n    {\"from\": \"s\", \"to\": \"b\", \"kind\": \"nic\", \"bandwidth\": \"25 GB/s\", "
       "\"latency\": \"0 s\",\n     \"name\": \"down\"}",
       "", "file:6", "do not reach each other"},
  };
  for (const Case& entry : cases) {
    const base::Error error = refusal(Format::json, with(kPair, entry.from, entry.to));
    EXPECT_TRUE(error.where().starts_with(entry.where)) << entry.to << "\n" << error.what();
    EXPECT_NE(error.message().find(entry.message), std::string::npos) << error.what();
    EXPECT_FALSE(error.hint().empty()) << error.what();
  }
}

TEST(JsonFormat, RefusesNoAcceleratorAndTooManyValues) {
  std::string text = kPair;
  for (int i = 0; i < 2; ++i) {
    const std::string rank = std::to_string(i);
    text = with(text, "\"accelerator\", \"node\": " + rank + ", \"rank\": " + rank, "\"nic\"");
  }
  EXPECT_NE(refusal(Format::json, text).message().find("no accelerator"), std::string::npos);
  const std::string commas(13'000'000, ',');
  EXPECT_NE(refusal(Format::json, commas).message().find("12000000 values"), std::string::npos);
}

}  // namespace
}  // namespace moesim::topologies
