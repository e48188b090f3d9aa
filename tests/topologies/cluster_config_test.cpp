// SPDX-License-Identifier: Apache-2.0
#include "topologies/cluster_config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/data_directory.h"
#include "base/error.h"
#include "tests/support/built_cluster.h"
#include "tests/support/example_cluster.h"
#include "topologies/routing.h"

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
    ClusterConfig config = read_cluster("{\"preset\": \"" + preset + "\", \"num_nodes\": 3}");
    EXPECT_EQ(config.preset, preset);
    if (!config.fabric.dims.empty()) config.fabric.dims = {1, 3, 1};
    EXPECT_GT(config.node.accelerator.peak_bf16.value, 1e12);
    EXPECT_GE(config.node.accelerator.peak_bf16, config.node.accelerator.achievable_bf16);
    const Cluster cluster = build_cluster(config);
    EXPECT_EQ(cluster.num_ranks(), 3 * config.node.accelerators_per_node);
  }
}

// A torus of 4 x 4 x 4 chips; 18 trays of 4; 7 links of 64 GB/s to a MI300X; 2 and 2 to a switch.
TEST(ClusterConfig, PresetsAreTheMachinesTheyAreNamedFor) {
  const Cluster pod = build_cluster(read_cluster(R"({"preset": "tpu_v5p_pod"})"));
  EXPECT_EQ(pod.num_ranks(), 64);
  EXPECT_EQ(testing::outgoing(pod, "router0.0.0", LinkKind::fabric).bandwidth, 600e9);
  const Cluster racks =
      build_cluster(read_cluster(R"({"preset": "gb200_nvl72", "num_nodes": 36})"));
  EXPECT_EQ(racks.num_nodes, 2);
  EXPECT_EQ(racks.node_of_rank(71), 0);
  EXPECT_EQ(racks.node_of_rank(72), 1);
  const Cluster mesh =
      build_cluster(read_cluster(R"({"preset": "mi300x_single_switch", "num_nodes": 1})"));
  EXPECT_EQ(testing::link_named(mesh, "node0/gpu0->node0/gpu7").bandwidth.value, 64e9);
  const Cluster dgx =
      build_cluster(read_cluster(R"({"preset": "dgx_a100_rail_fat_tree", "num_nodes": 1})"));
  EXPECT_EQ(testing::count_vertices(dgx, VertexKind::pcie_switch), 4);
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
    // Two trays of a rack are one node.
    EXPECT_EQ(build_cluster(config).num_nodes, config.node.scale_up_domain ? 1 : 2);
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

constexpr const char* kTwoKinds = R"({"topology": "single_switch", "node_groups": [
    {"node": {"preset": "hgx_h100"}, "num_nodes": 2},
    {"node": {"preset": "hgx_a100"}, "num_nodes": 1}]})";

// Two H100 nodes are ranks 0-15, the A100 node 16-23.
TEST(ClusterConfig, NodesOfSeveralKindsAreNumberedInTheirOrder) {
  const ClusterConfig config = read_cluster(kTwoKinds);
  EXPECT_EQ(count_nodes(config), 3);
  EXPECT_EQ(count_ranks(config), 24);
  EXPECT_EQ(accelerator_of_rank(config, 0).preset, "h100_sxm5_80gb");
  EXPECT_EQ(accelerator_of_rank(config, 15).preset, "h100_sxm5_80gb");
  EXPECT_EQ(accelerator_of_rank(config, 16).preset, "a100_sxm_80gb");
  EXPECT_FALSE(has_one_accelerator(config));
  EXPECT_EQ(build_cluster(config).num_ranks(), 24);
  const ClusterConfig alike = read_cluster(R"({"preset": "h100_single_switch", "num_nodes": 2})");
  EXPECT_TRUE(has_one_accelerator(alike));
  EXPECT_EQ(accelerator_of_rank(alike, 9).preset, "h100_sxm5_80gb");
}

std::string message_of(const std::string& text) {
  try {
    read_cluster(text);
  } catch (const base::Error& error) {
    return error.message();
  }
  return "read";
}

TEST(ClusterConfig, NodesAreGivenInOneOfTwoForms) {
  const std::string groups = R"("node_groups": [{"node": {"preset": "hgx_h100"}, "num_nodes": 1}])";
  EXPECT_EQ(message_of("{" + groups + R"(, "topology": "single_switch"})"), "read");
  EXPECT_EQ(message_of("{" + groups + R"(, "num_nodes": 2, "topology": "single_switch"})"),
            "\"num_nodes\" has no effect: it is only used when cluster.node_groups is empty and "
            "cluster.topology is not file");
  EXPECT_EQ(message_of(R"({"topology": "single_switch", "num_nodes": 2})"), "missing key \"node\"");
  EXPECT_EQ(message_of(R"({"topology": "single_switch", "node_groups": [{"num_nodes": 2}]})"),
            "missing key \"node\"");
}

TEST(ClusterConfig, WhatIsWrittenReadsBackToTheSameCluster) {
  ClusterConfig config = read_cluster(kTwoKinds);
  config.link_overrides = {{"switch->node2/*", base::BytesPerSecond(1e9), {}}};
  config.node_groups[1].node.nics_per_node = 4;
  config.node_groups[1].node.accelerators_per_pcie_switch = 2;
  config.routing = RoutingPolicy::spray;
  ClusterConfig again;
  base::ReadReport report;
  base::read_json(base::to_json(config), again, report);
  EXPECT_TRUE(report.warnings.empty());
  EXPECT_EQ(build_cluster(again), build_cluster(config));
  EXPECT_EQ(again.routing, RoutingPolicy::spray);
}

TEST(ClusterConfig, RoutingFollowsTheTopology) {
  ClusterConfig config = example_config(Topology::rail_only, 4, 2);
  config.ecmp_seed = 5;
  EXPECT_EQ(routing_options(config).seed, 5u);
  EXPECT_EQ(routing_options(config).policy, RoutingPolicy::ecmp);
  EXPECT_TRUE(routing_options(config).rail_forwarding);
  config.rail_forwarding = false;
  EXPECT_FALSE(routing_options(config).rail_forwarding);
  config = example_config(Topology::rail_optimized_fat_tree, 4, 2);
  EXPECT_FALSE(routing_options(config).rail_forwarding);
  config.rail_forwarding = true;
  EXPECT_EQ(place_of_error(config), "built");
  config.node.scale_up = ScaleUp::none;
  EXPECT_EQ(place_of_error(config), "/cluster/rail_forwarding");
}

TEST(ClusterConfig, PoliciesFitSomeTopologiesOnly) {
  const auto accepted = [](Topology topology, RoutingPolicy policy) {
    ClusterConfig config = example_config(topology, 4, 2);
    config.routing = policy;
    return place_of_error(config) == "built";
  };
  EXPECT_TRUE(accepted(Topology::torus, RoutingPolicy::dimension_order));
  EXPECT_TRUE(accepted(Topology::hyperx, RoutingPolicy::dimension_order));
  EXPECT_FALSE(accepted(Topology::dragonfly, RoutingPolicy::dimension_order));
  EXPECT_FALSE(accepted(Topology::fat_tree, RoutingPolicy::dimension_order));
  EXPECT_TRUE(accepted(Topology::dragonfly, RoutingPolicy::valiant));
  EXPECT_TRUE(accepted(Topology::torus, RoutingPolicy::valiant));
  EXPECT_FALSE(accepted(Topology::rail_only, RoutingPolicy::valiant));
  EXPECT_TRUE(accepted(Topology::fat_tree, RoutingPolicy::spray));
}

// One leaf per rail and one NVSwitch per node: 2 + 4 fabric switches (4 spines), 4 NVSwitches.
TEST(BuildCluster, SwitchesThatReduceAreListedInOrder) {
  ClusterConfig config = example_config(Topology::rail_optimized_fat_tree, 4, 2);
  EXPECT_TRUE(build_cluster(config).reducers.empty());
  config.node.in_switch_reduction = true;
  config.fabric.in_switch_reduction = true;
  const Cluster cluster = build_cluster(config);
  EXPECT_EQ(cluster.reducers.size(), 10u);
  EXPECT_TRUE(std::is_sorted(cluster.reducers.begin(), cluster.reducers.end()));
  for (const int vertex : cluster.reducers) EXPECT_TRUE(is_switch(cluster.vertices[vertex].kind));
}

TEST(BuildCluster, OverridesChangeLinksByName) {
  ClusterConfig config = example_config(Topology::rail_optimized_fat_tree, 8, 2);
  config.link_overrides = {{"leaf0->spine*", base::BytesPerSecond(1e9), {}}};
  const Cluster cluster = build_cluster(config);
  EXPECT_EQ(testing::outgoing(cluster, "leaf0", LinkKind::fabric).bandwidth, 4e9);
  EXPECT_EQ(testing::outgoing(cluster, "leaf1", LinkKind::fabric).bandwidth, 200e9);
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
    if (topology == Topology::file) continue;
    EXPECT_EQ(build_cluster(example_config(topology, 1, 1)).num_ranks(), 1) << name;
  }
}

// Vertices from which a vertex is reached over links, itself included.
int count_reaching(const Cluster& cluster, int destination) {
  std::vector<std::vector<int>> from(cluster.vertices.size());
  for (const Link& link : cluster.links) from[link.to].push_back(link.from);
  std::vector<bool> seen(cluster.vertices.size(), false);
  std::vector<int> found = {destination};
  seen[destination] = true;
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const int vertex : from[found[i]]) {
      if (!seen[vertex]) found.push_back(vertex);
      seen[vertex] = true;
    }
  }
  return static_cast<int>(found.size());
}

void expect_sound(const Cluster& cluster) {
  std::set<std::string> names;
  for (const Vertex& vertex : cluster.vertices) EXPECT_TRUE(names.insert(vertex.name).second);
  for (const Link& link : cluster.links) EXPECT_TRUE(names.insert(link.name).second) << link.name;
  // A cable is two neighbouring links that differ in direction alone.
  ASSERT_EQ(cluster.links.size() % 2, 0u);
  for (std::size_t i = 0; i < cluster.links.size(); i += 2) {
    const Link& there = cluster.links[i];
    const Link& back = cluster.links[i + 1];
    EXPECT_EQ(std::pair(there.from, there.to), std::pair(back.to, back.from));
    EXPECT_EQ(there.kind, back.kind);
    EXPECT_EQ(there.bandwidth, back.bandwidth);
    EXPECT_EQ(there.latency, back.latency);
    EXPECT_GT(there.bandwidth.value, 0);
  }
  // All reach rank 0, and so, cables having both directions, each other.
  EXPECT_EQ(count_reaching(cluster, cluster.accelerators[0]),
            static_cast<int>(cluster.vertices.size()));
  for (int rank = 0; rank < cluster.num_ranks(); ++rank) {
    const Vertex& vertex = cluster.vertices[cluster.accelerators[rank]];
    EXPECT_EQ(vertex.rank, rank);
    EXPECT_EQ(vertex.kind, VertexKind::accelerator);
    EXPECT_LT(vertex.node, cluster.num_nodes);
  }
}

// By the config's own policy, which over rails that nothing joins passes a neighbour.
void expect_routes(const Cluster& cluster, const RoutingOptions& options) {
  Router router(cluster, options);
  for (int source = 0; source < cluster.num_ranks(); ++source) {
    for (int destination = 0; destination < cluster.num_ranks(); ++destination) {
      int vertex = cluster.accelerators[source];
      for (const int link : router.route(source, destination)) {
        ASSERT_EQ(cluster.links[link].from, vertex);
        vertex = cluster.links[link].to;
      }
      ASSERT_EQ(vertex, cluster.accelerators[destination]);
    }
  }
}

// Bandwidth that leaves the NICs towards the fabric is the NICs' own.
double nic_bandwidth_out(const Cluster& cluster) {
  double sum = 0;
  for (const Link& link : cluster.links) {
    const bool leaves = cluster.vertices[link.from].kind == VertexKind::nic;
    if (link.kind == LinkKind::nic && leaves) sum += link.bandwidth.value;
  }
  return sum;
}

void expect_sound_at_all_sizes(ClusterConfig config) {
  for (const int nodes : {2, 3, 5, 8, 13}) {
    SCOPED_TRACE(nodes);
    config.num_nodes = nodes;
    config.fabric.dims = {nodes};
    config.fabric.routers_per_group = nodes;
    const Cluster cluster = build_cluster(config);
    EXPECT_EQ(cluster.num_ranks(), nodes * 4);
    expect_sound(cluster);
    EXPECT_NEAR(nic_bandwidth_out(cluster), nodes * 4 * 50e9, 1);
    expect_routes(cluster, routing_options(config));
    EXPECT_EQ(cluster, build_cluster(config));
  }
}

// Property: every topology, over sizes and kinds of nodes. 50 GB/s to a NIC.
TEST(BuildCluster, EveryTopologyIsConnectedBothWaysAtAllSizes) {
  for (const auto& [topology, name] : names_of(Topology{})) {
    if (topology == Topology::file) continue;
    SCOPED_TRACE(name);
    ClusterConfig config = example_config(topology, 2, 4);
    for (const int pcie_switch : {0, 2}) {
      config.node.accelerators_per_pcie_switch = pcie_switch;
      config.node.scale_up = ScaleUp::one_switch;
      expect_sound_at_all_sizes(config);
      if (topology == Topology::nvl72) continue;
      config.node.scale_up = ScaleUp::full_mesh;
      expect_sound_at_all_sizes(config);
      if (topology == Topology::rail_only) continue;
      config.node.scale_up = ScaleUp::none;
      expect_sound_at_all_sizes(config);
    }
  }
}

// Property: leaves' uplinks sum to what is below them over the oversubscription, on full leaves.
TEST(BuildCluster, OversubscriptionHoldsOnEveryFullLeaf) {
  for (const auto& [topology, name] : names_of(Topology{})) {
    if (topology == Topology::file) continue;
    if (!has_leaves(topology)) continue;
    for (const double oversubscription : {1.0, 1.5, 4.0}) {
      ClusterConfig config = example_config(topology, 12, 3);
      config.fabric.oversubscription = oversubscription;
      const Cluster cluster = build_cluster(config);
      for (const Vertex& vertex : cluster.vertices) {
        if (vertex.tier != 1) continue;
        const double below = testing::outgoing(cluster, vertex.name, LinkKind::nic).bandwidth;
        const double above = testing::outgoing(cluster, vertex.name, LinkKind::fabric).bandwidth;
        EXPECT_NEAR(below / above, oversubscription, 1e-12) << name << " " << vertex.name;
      }
    }
  }
}

}  // namespace
}  // namespace moesim::topologies
