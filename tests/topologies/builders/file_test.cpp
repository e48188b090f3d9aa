// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "tests/support/built_cluster.h"
#include "tests/support/example_cluster.h"
#include "topologies/import_export/import_export.h"

namespace moesim::topologies {
namespace {

// A folder of its own, gone with the test.
class GraphFile : public ::testing::Test {
 protected:
  GraphFile() : folder_(std::filesystem::path(::testing::TempDir()) / "moesim_graph_file") {
    std::filesystem::create_directories(folder_);
  }
  ~GraphFile() override { std::filesystem::remove_all(folder_); }

  ClusterConfig config_of(const std::string& name) const {
    ClusterConfig config;
    config.topology = Topology::file;
    config.file = (folder_ / name).string();
    config.accelerator.name = "example";
    return config;
  }

  std::filesystem::path folder_;
};

TEST_F(GraphFile, IsTheClusterThatWasWritten) {
  const Cluster torus = build_cluster(testing::example_config(Topology::torus, 8, 2));
  for (const char* name : {"torus.json", "torus.graphml", "torus.dot", "torus.xml"}) {
    SCOPED_TRACE(name);
    const ClusterConfig config = config_of(name);
    write_cluster(torus, config.file);
    EXPECT_EQ(build_cluster(config), torus);
    EXPECT_EQ(count_ranks(config), 16);
    EXPECT_EQ(accelerator_of_rank(config, 15).name, "example");
    EXPECT_TRUE(has_one_accelerator(config));
    EXPECT_FALSE(routing_options(config).rail_forwarding);
  }
}

TEST_F(GraphFile, TakesOverrides) {
  ClusterConfig config = config_of("torus.json");
  write_cluster(build_cluster(testing::example_config(Topology::torus, 8, 2)), config.file);
  config.link_overrides = {{"router0->*", base::BytesPerSecond(1e9), {}}};
  EXPECT_EQ(testing::outgoing(build_cluster(config), "router0", LinkKind::fabric).bandwidth, 2e9);
}

// What cannot be read is blamed on the key, what is wrong inside on its place.
TEST_F(GraphFile, ErrorsNameTheKeyOrThePlace) {
  ClusterConfig config = config_of("absent.json");
  EXPECT_TRUE(testing::complaint_of(config).starts_with("/cluster/file: " + config.file));
  config = config_of("broken.json");
  std::ofstream(config.file) << "{";
  EXPECT_TRUE(testing::complaint_of(config).starts_with(config.file + ":1:"));
  config.file.clear();
  EXPECT_TRUE(testing::complaint_of(config).starts_with("/cluster/file: topology is file, but"));
}

}  // namespace
}  // namespace moesim::topologies
