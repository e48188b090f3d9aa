// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/topologies/import_export/refusal.h"

namespace moesim::topologies {
namespace {

using testing::refusal;
using testing::with;

constexpr const char* kPair = R"(digraph cluster { // two accelerators
  b [kind=accelerator, "node"=0];
  a [kind=accelerator, "node"=1]
  b -> a [kind=fabric, bandwidth="1 GB/s", latency="1 us"];
  a -> b [kind=fabric, bandwidth="2 GB/s", latency="1 us", name="back"];
}
)";

// Without an index vertices stand in the order of their names: a is rank 0.
TEST(DotFormat, ReadsWhatPeopleWrite) {
  const Cluster cluster = cluster_from_text(kPair, Format::dot, "file");
  EXPECT_EQ(cluster.vertices[0].name, "a");
  EXPECT_EQ(cluster.vertices[0].rank, 0);
  EXPECT_EQ(cluster.vertices[0].node, 1);
  EXPECT_EQ(cluster.links[0].name, "b->a");
  EXPECT_EQ(cluster.links[1].name, "back");
  EXPECT_EQ(cluster.links[1].bandwidth.value, 2e9);
}

TEST(DotFormat, TheIndexGivesTheOrder) {
  std::string text = with(kPair, "\"node\"=0", "\"node\"=0, index=0");
  text = with(text, "\"node\"=1", "\"node\"=1, index=1");
  EXPECT_EQ(cluster_from_text(text, Format::dot, "file").vertices[0].name, "b");
}

struct Case {
  const char* from;
  const char* to;
  const char* message;
};

TEST(DotFormat, NamesWhatIsWrong) {
  const Case cases[] = {
      {"\"node\"=0", "\"node\"=0, index=5", "index \"5\" is taken or out of range"},
      {"\"node\"=0", "\"node\"=0, index=0", "some have none"},
      {"\"node\"=0", "\"node\"=0, colour=red", "unknown key \"colour\""},
      {"kind=accelerator", "kind=accelerater", "\"accelerater\" is no kind"},
      {"1 GB/s", "0 GB/s", "above 0"},
      {"1 GB/s", "1 GiB", "unit"},
      {"b -> a", "a -> a", "both ends are \"a\""},
      {"b -> a", "b -> c", "vertex \"c\""},
      {"b -> a", "b ->", "this is no DOT"},
      {", name=\"back\"", ", name=\"b->a\"", "given twice"},
      {"digraph", "graph", "no direction"},
  };
  for (const Case& entry : cases) {
    const base::Error error = refusal(Format::dot, with(kPair, entry.from, entry.to));
    EXPECT_TRUE(error.where().starts_with("file")) << error.what();
    EXPECT_NE(error.message().find(entry.message), std::string::npos) << error.what();
    EXPECT_FALSE(error.hint().empty()) << error.what();
  }
}

}  // namespace
}  // namespace moesim::topologies
