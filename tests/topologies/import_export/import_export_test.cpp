// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/import_export.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/rng.h"
#include "tests/support/example_cluster.h"
#include "topologies/import_export/cluster_checks.h"

namespace moesim::topologies {
namespace {

using testing::example_config;

constexpr Format kFormats[] = {Format::json, Format::simgrid_xml, Format::graphml, Format::dot};

// Any double above 0 that a data sheet could not have: all 53 bits are random.
double odd_double(base::Rng& rng, double scale) { return scale * (1 + rng.uniform()) / 3; }

// Accelerators in a shuffled order of ranks on nodes of any size, each cabled to two of the
// switches, which stand in a row: connected, irregular, with every field in use. `plain`: all
// switches are the fabric's, outside of the nodes, so that each pair of ranks has a route.
Cluster random_cluster(std::uint64_t seed, bool plain = false) {
  base::Rng rng(seed, "random_cluster");
  Cluster cluster;
  const int switches = 2 + static_cast<int>(rng.below(4));
  const int ranks = 1 + static_cast<int>(rng.below(6));
  cluster.num_nodes = 1 + static_cast<int>(rng.below(ranks));
  const auto link = [&](int from, int to) {
    const auto kind = static_cast<LinkKind>(rng.below(4));
    const std::string number = std::to_string(cluster.links.size());
    cluster.links.push_back({from, to, kind, base::BytesPerSecond(odd_double(rng, 1e11)),
                             base::Seconds(rng.below(4) == 0 ? 0 : odd_double(rng, 1e-6)),
                             "cable <" + number + "> & it's \xc3\xa4 = one"});
  };
  const auto cable = [&](int a, int b) {
    link(a, b);
    link(b, a);
  };
  for (int s = 0; s < switches; ++s) {
    const auto drawn = static_cast<VertexKind>(1 + rng.below(4));
    const VertexKind kind = plain ? VertexKind::fabric_switch : drawn;
    const int node =
        plain || rng.below(2) == 0 ? -1 : static_cast<int>(rng.below(cluster.num_nodes));
    const int rank = kind == VertexKind::nic ? static_cast<int>(rng.below(ranks)) : -1;
    Vertex vertex{kind, "sw " + std::to_string(s) + " a->b, <x>&'y'", node, rank};
    vertex.tier = static_cast<int>(rng.below(3));
    for (std::uint64_t i = rng.below(4); i > 0; --i) {
      vertex.place.push_back(static_cast<int>(rng.below(9)) - 1);
    }
    if (is_switch(kind) && rng.below(2) == 0) cluster.reducers.push_back(s);
    cluster.vertices.push_back(vertex);
    if (s > 0) cable(s - 1, s);
  }
  cluster.accelerators.resize(ranks);
  for (int i = 0; i < ranks; ++i) {
    const int rank = (i * 7 + 3) % ranks;
    const int vertex = static_cast<int>(cluster.vertices.size());
    cluster.accelerators[ranks % 7 == 0 ? i : rank] = vertex;
    cluster.vertices.push_back({VertexKind::accelerator, "gpu" + std::to_string(i),
                                i % cluster.num_nodes, ranks % 7 == 0 ? i : rank});
    const int first = static_cast<int>(rng.below(switches));
    cable(vertex, first);
    cable((first + 1) % switches, vertex);
  }
  return cluster;
}

class EveryFormat : public ::testing::TestWithParam<Format> {};
INSTANTIATE_TEST_SUITE_P(Formats, EveryFormat, ::testing::ValuesIn(kFormats));

TEST_P(EveryFormat, ReadsBackEveryTopologyAsItWas) {
  for (const auto& [topology, name] : names_of(Topology{})) {
    if (topology == Topology::file) continue;  // what is read, not built
    const ClusterConfig config = example_config(topology, 8, 4);
    const Cluster cluster = build_cluster(config);
    const std::string text = to_text(cluster, GetParam(), routing_options(config));
    EXPECT_TRUE(cluster_from_text(text, GetParam(), name) == cluster) << name;
  }
}

// 100 seeds, every field in use, names with what XML, DOT and JSON must escape.
TEST_P(EveryFormat, ReadsBackRandomClustersAsTheyWere) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Cluster cluster = random_cluster(seed, GetParam() == Format::simgrid_xml);
    const std::string text = to_text(cluster, GetParam());
    ASSERT_TRUE(cluster_from_text(text, GetParam(), "random") == cluster) << seed << "\n" << text;
    ASSERT_EQ(to_text(cluster_from_text(text, GetParam(), "random"), GetParam()), text) << seed;
  }
}

// What is not a cluster in any format: empty, binary, cut in half.
TEST_P(EveryFormat, RefusesWhatIsNoGraph) {
  const std::string whole = to_text(random_cluster(1, true), GetParam());
  for (const std::string& text : {std::string(), std::string("\0\xff\xfe\x01", 4), std::string("{"),
                                  whole.substr(0, whole.size() / 2)}) {
    try {
      cluster_from_text(text, GetParam(), "file");
      FAIL() << "read: " << text.substr(0, 100);
    } catch (const base::Error& error) {
      EXPECT_TRUE(error.where().starts_with("file")) << error.what();
    }
  }
}

// Each byte of a small file in turn becomes another: an error or a cluster, never anything else.
TEST_P(EveryFormat, SurvivesAnyChangedByte) {
  const std::string whole = to_text(random_cluster(2, true), GetParam());
  base::Rng rng(3, "bytes");
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); at += 1 + rng.below(7)) {
    std::string text = whole;
    text[at] = static_cast<char>(rng.below(256));
    try {
      const Cluster cluster = cluster_from_text(text, GetParam(), "file");
      check_cluster(cluster, {"", [](std::size_t) { return ""; }, [](std::size_t) { return ""; }});
    } catch (const base::Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 10);
}

TEST(ImportExport, TheEndingNamesTheFormat) {
  EXPECT_EQ(format_of("a/b.json"), Format::json);
  EXPECT_EQ(format_of("b.xml"), Format::simgrid_xml);
  EXPECT_EQ(format_of("b.graphml"), Format::graphml);
  EXPECT_EQ(format_of("b.dot"), Format::dot);
  EXPECT_EQ(format_of("b.gv"), Format::dot);
  EXPECT_THROW(format_of("b.yaml"), base::Error);
}

TEST(ImportExport, AnotherNameOrAnotherFormatIsNoGraph) {
  const std::string path =
      (std::filesystem::temp_directory_path() / "moesim-no-graph.json").string();
  std::ofstream(path) << R"({"cluster": {"topology": "file"}})";
  EXPECT_FALSE(is_graph_file(path));
  EXPECT_FALSE(is_graph_file("h100_rail_fat_tree"));
  EXPECT_THROW(is_graph_file("absent.json"), base::Error);
}

TEST(ImportExport, FilesAreWrittenAndReadBack) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / "moesim-import-export-test";
  std::filesystem::create_directories(folder);
  const Cluster cluster = random_cluster(5, true);
  for (const char* name : {"c.json", "c.xml", "c.graphml", "c.dot"}) {
    const std::string path = (folder / name).string();
    write_cluster(cluster, path);
    EXPECT_TRUE(read_cluster(path) == cluster) << name;
    EXPECT_TRUE(is_graph_file(path)) << name;
  }
  EXPECT_THROW(read_cluster((folder / "absent.json").string()), base::Error);
  EXPECT_THROW(read_cluster(folder.string() + "/.json/"), base::Error);
  EXPECT_THROW(write_cluster(cluster, (folder / "no" / "c.json").string()), base::Error);
  std::ofstream(folder / "large.json").seekp((64 << 20) + 1) << "x";
  try {
    read_cluster((folder / "large.json").string());
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_NE(error.message().find("64 MiB (67108864 bytes) is the largest"), std::string::npos);
  }
  std::filesystem::remove_all(folder);
}

// A name that no format could hold is refused when written, not when read.
TEST(ImportExport, WhatCouldNotBeReadIsNotWritten) {
  Cluster cluster = random_cluster(6);
  cluster.vertices[0].name = "a\"b";
  for (const Format format : kFormats) EXPECT_THROW(to_text(cluster, format), base::Error);
}

}  // namespace
}  // namespace moesim::topologies
