// SPDX-License-Identifier: Apache-2.0
#include "topologies/fabric_config.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {
namespace {

// Reads a cluster of this topology and fabric; what is wrong with it, or "read".
std::string read_with(const std::string& topology, const std::string& fabric) {
  const std::string text = R"({"topology": ")" + topology +
                           R"(", "node": {"preset": "hgx_h100"}, "num_nodes": 8, "fabric": )" +
                           fabric + "}";
  ClusterConfig config;
  base::ReadReport report;
  try {
    base::read_json(resolve_cluster_presets(base::parse_json(text, "test")), config, report,
                    "/cluster");
  } catch (const base::Error& error) {
    return error.message();
  }
  return "read";
}

TEST(FabricConfig, EveryTopologyAsksForItsOwnKeys) {
  EXPECT_EQ(read_with("torus", R"({"switch_latency": "1 us", "link_bandwidth": "1 GB/s"})"),
            "missing key \"dims\"");
  EXPECT_EQ(read_with("dragonfly", R"({"switch_latency": "1 us", "link_bandwidth": "1 GB/s"})"),
            "missing key \"groups\"");
  EXPECT_EQ(read_with("fat_tree", R"({"switch_latency": "1 us"})"),
            "missing key \"nodes_per_leaf\"");
  EXPECT_EQ(read_with("fat_tree", R"({"switch_latency": "1 us", "nodes_per_leaf": 4})"), "read");
  EXPECT_EQ(read_with("fat_tree", R"({"switch_latency": "1 us", "nodes_per_leaf": 4, "tiers": 3})"),
            "missing key \"leaves_per_pod\"");
  EXPECT_EQ(read_with("single_switch", R"({"in_switch_reduction": true})"), "read");
}

TEST(FabricConfig, KeysOfAnotherTopologyHaveNoEffect) {
  EXPECT_EQ(read_with("single_switch", R"({"nodes_per_leaf": 4})"),
            "\"nodes_per_leaf\" has no effect: it is only used when cluster.topology is fat_tree, "
            "rail_optimized_fat_tree, rail_only, dual_plane or nvl72");
  EXPECT_EQ(read_with("hyperx",
                      R"({"switch_latency": "1 us", "link_bandwidth": "1 GB/s", "dims": [8],
                    "groups": 2})"),
            "\"groups\" has no effect: it is only used when cluster.topology is dragonfly");
  EXPECT_EQ(read_with("full_mesh", "{}"),
            "\"fabric\" has no effect: it is only used when cluster.topology has switches");
}

}  // namespace
}  // namespace moesim::topologies
