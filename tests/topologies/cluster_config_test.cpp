// SPDX-License-Identifier: Apache-2.0
#include "topologies/cluster_config.h"

#include <gtest/gtest.h>

#include "base/data_directory.h"
#include "base/error.h"
#include "tests/support/example_cluster.h"

namespace moesim::topologies {
namespace {

using testing::example_config;

ClusterConfig read_cluster(const std::string& text) {
  const base::JsonValue section = resolve_cluster_presets(base::parse_json(text, "test"));
  ClusterConfig config;
  base::ReadReport report;
  base::read_json(section, config, report);
  return config;
}

std::string place_of_error(const ClusterConfig& config) {
  try {
    build_cluster(config);
  } catch (const base::Error& error) {
    return error.where();
  }
  return "built";
}

TEST(ClusterConfig, EveryClusterPresetReadsAndBuilds) {
  const std::vector<std::string> presets = base::preset_names("topologies/presets/clusters");
  ASSERT_FALSE(presets.empty());
  for (const std::string& preset : presets) {
    SCOPED_TRACE(preset);
    const ClusterConfig config = read_cluster("{\"preset\": \"" + preset + "\", \"num_nodes\": 3}");
    EXPECT_EQ(config.preset, preset);
    EXPECT_GT(config.node.accelerator.peak_bf16.value, 1e12);
    EXPECT_GE(config.node.accelerator.peak_bf16, config.node.accelerator.achievable_bf16);
    const Cluster cluster = build_cluster(config);
    EXPECT_EQ(cluster.num_ranks(), 3 * config.node.accelerators_per_node);
  }
}

TEST(ClusterConfig, EveryNodePresetReadsAndBuilds) {
  const std::vector<std::string> presets = base::preset_names("topologies/presets/nodes");
  ASSERT_FALSE(presets.empty());
  for (const std::string& preset : presets) {
    SCOPED_TRACE(preset);
    const ClusterConfig config = read_cluster(
        "{\"topology\": \"single_switch\", \"num_nodes\": 2, \"node\": {\"preset\": \"" + preset +
        "\"}}");
    EXPECT_FALSE(config.node.sources.empty());
    EXPECT_EQ(build_cluster(config).num_nodes, 2);
  }
}

TEST(ClusterConfig, EveryAcceleratorPresetReads) {
  const std::string folder = "topologies/presets/accelerators";
  for (const std::string& preset : base::preset_names(folder)) {
    SCOPED_TRACE(preset);
    Accelerator accelerator;
    base::ReadReport report;
    base::read_json(
        base::resolve_preset(base::parse_json("{\"preset\": \"" + preset + "\"}", "test"), folder),
        accelerator, report);
    EXPECT_GT(accelerator.memory.value, 1e9);
    EXPECT_FALSE(accelerator.sources.empty());
  }
}

TEST(ClusterConfig, KeysBesideAPresetReplaceItsValuesAtEveryDepth) {
  const std::string preset = base::preset_names("topologies/presets/clusters").front();
  const ClusterConfig config = read_cluster(
      "{\"preset\": \"" + preset +
      "\", \"num_nodes\": 1, \"node\": {\"nic_bandwidth\": \"7 GB/s\", \"accelerator\": "
      "{\"memory\": \"3 GB\"}}}");
  EXPECT_EQ(config.node.nic_bandwidth.value, 7e9);
  EXPECT_EQ(config.node.accelerator.memory.value, 3e9);
  EXPECT_GT(config.node.scale_up_bandwidth.value, 0);
}

// Ranks are limited to 65,536: 8,192 nodes of 8 fit, one more does not.
TEST(BuildCluster, NamesTheKeyThatIsWrong) {
  const Topology rails = Topology::rail_optimized_fat_tree;
  EXPECT_EQ(place_of_error(example_config(rails, 0, 8)), "/cluster/num_nodes");
  EXPECT_EQ(place_of_error(example_config(rails, 1, 0)), "/cluster/node/accelerators_per_node");
  EXPECT_EQ(place_of_error(example_config(rails, 8193, 8)), "/cluster/num_nodes");
  EXPECT_EQ(place_of_error(example_config(rails, 1, 1 << 30)),
            "/cluster/node/accelerators_per_node");
  ClusterConfig config = example_config(rails, 2, 2);
  config.node.nic_bandwidth = base::BytesPerSecond(0);
  EXPECT_EQ(place_of_error(config), "/cluster/node/nic_bandwidth");
  config = example_config(rails, 2, 2);
  config.node.nic_latency = base::Seconds(-1);
  EXPECT_EQ(place_of_error(config), "/cluster/node/nic_latency");
}

TEST(BuildCluster, OneAcceleratorIsACluster) {
  for (const auto& [topology, name] : names_of(Topology{})) {
    EXPECT_EQ(build_cluster(example_config(topology, 1, 1)).num_ranks(), 1) << name;
  }
}

}  // namespace
}  // namespace moesim::topologies
