// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/cluster_reader.h"

#include <gtest/gtest.h>

#include "tests/base/thrown_error.h"

namespace moesim::topologies {
namespace {

Attributes accelerator(const std::string& name, const std::string& rank = "") {
  return {{"name", name}, {"kind", "accelerator"}, {"node", "0"}, {"rank", rank}};
}

const Attributes kLink = {{"kind", "scale_up"}, {"bandwidth", "1 GB/s"}, {"latency", "1 us"}};

// Empty texts are fields that are not given: ranks in order, links named after their ends.
TEST(ClusterReader, FillsInWhatIsNotGiven) {
  ClusterReader reader("file");
  reader.add_vertex(accelerator("a"), reader.at(1));
  reader.add_vertex(accelerator("b"), reader.at(2));
  reader.add_link("a", "b", kLink, reader.at(3));
  reader.add_link("b", "a", kLink, reader.at(4));
  const Cluster cluster = std::move(reader).finish();
  EXPECT_EQ(cluster.vertices[1].rank, 1);
  EXPECT_EQ(cluster.num_nodes, 1);
  EXPECT_EQ(cluster.links[1].name, "b->a");
}

TEST(ClusterReader, RanksAreGivenByAllOrByNone) {
  ClusterReader reader("file");
  reader.add_vertex(accelerator("a"), reader.at(1));
  reader.add_vertex(accelerator("b", "0"), reader.at(2));
  reader.add_link("a", "b", kLink, reader.at(3));
  reader.add_link("b", "a", kLink, reader.at(4));
  const base::Error error = base::thrown_error([&] { std::move(reader).finish(); });
  EXPECT_EQ(error.where(), "file:1:0");
  EXPECT_NE(error.message().find("rank -1"), std::string::npos);
}

TEST(ClusterReader, KeysAreKnownAndOnce) {
  const auto fault = [](Attribute extra) {
    ClusterReader reader("file");
    Attributes attributes = accelerator("a");
    attributes.push_back(std::move(extra));
    return base::thrown_error([&] { reader.add_vertex(attributes, reader.at(7)); });
  };
  EXPECT_NE(fault({"node", "1"}).message().find("given twice"), std::string::npos);
  EXPECT_EQ(fault({"teir", "1"}).hint(), "did you mean \"tier\"?");
  EXPECT_NE(fault({"tier", "one"}).message().find("must be an integer"), std::string::npos);
}

TEST(ClusterReader, WhatIsWrittenIsRead) {
  Cluster cluster;
  cluster.vertices.push_back({VertexKind::scale_up_switch, "s", 3});
  cluster.vertices[0].place = {4, -1};
  cluster.reducers = {0};
  const Attributes fields = attributes_of(cluster, 0);
  std::string text;
  for (const Attribute& field : fields) text += field.key + "=" + field.value + ";";
  EXPECT_EQ(text, "name=s;kind=scale_up_switch;node=3;place=4 -1;reducer=true;");
}

}  // namespace
}  // namespace moesim::topologies
