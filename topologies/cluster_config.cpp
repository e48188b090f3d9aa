// SPDX-License-Identifier: Apache-2.0
#include "topologies/cluster_config.h"

#include <cmath>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/data_directory.h"
#include "base/error.h"
#include "base/named_table.h"
#include "topologies/builders/rail_optimized_fat_tree.h"
#include "topologies/builders/single_switch.h"

namespace moesim::topologies {
namespace {

struct TopologyEntry {
  Topology id;
  const char* name;
  void (*check)(const Fabric&);  // null where the fabric section is not used
  Cluster (*build)(const ClusterConfig&);
};

// Every topology there is: the one place to add another.
const std::vector<TopologyEntry>& topologies() {
  static const std::vector<TopologyEntry> table = {
      {Topology::single_switch, "single_switch", nullptr, build_single_switch},
      {Topology::rail_optimized_fat_tree, "rail_optimized_fat_tree", check_fat_tree,
       build_rail_optimized_fat_tree},
  };
  return table;
}

const TopologyEntry& entry_of(Topology topology) { return base::row_of(topologies(), topology); }

// More would ask for tens of gigabytes of routes.
constexpr std::int64_t kMaxRanks = 65536;

void require(bool holds, const char* key, const std::string& what, const std::string& hint) {
  if (!holds) throw base::Error(std::string("/cluster/") + key, what, hint);
}

void require_bandwidth(base::BytesPerSecond bandwidth, const char* key) {
  require(std::isfinite(bandwidth.value) && bandwidth.value > 0, key,
          "a link needs a bandwidth above 0", "give the rate of one direction, as \"50 GB/s\"");
}

void require_latency(base::Seconds latency, const char* key) {
  require(std::isfinite(latency.value) && latency.value >= 0, key, "a latency is at least 0",
          "give it as \"2 us\"");
}

}  // namespace

int count_ranks(const ClusterConfig& config) {
  require(config.num_nodes >= 1, "num_nodes", "a cluster has at least 1 node", "set it to 1");
  const int per_node = config.node.accelerators_per_node;
  require(per_node >= 1, "node/accelerators_per_node", "a node has at least 1 accelerator",
          "set it to 1, or name a node preset");
  require(per_node <= kMaxRanks, "node/accelerators_per_node",
          std::to_string(per_node) + " accelerators are more than " + std::to_string(kMaxRanks),
          "at most " + std::to_string(kMaxRanks) + " fit");
  require(std::int64_t{config.num_nodes} * per_node <= kMaxRanks, "num_nodes",
          std::to_string(config.num_nodes) + " nodes of " + std::to_string(per_node) +
              " accelerators are more than " + std::to_string(kMaxRanks) + " ranks",
          "at most " + std::to_string(kMaxRanks / per_node) + " nodes fit");
  return config.num_nodes * per_node;
}

base::EnumNames<Topology> names_of(Topology) { return base::names_in(topologies()); }

void describe(base::FieldTable& table, Node& node) {
  table.title("node", "A server: accelerators on one scale-up switch, one NIC each.");
  table.field("preset", node.preset,
              "A file in topologies/presets/nodes; the other keys replace its values.");
  table.field("name", node.name, "What reports call it.");
  table.field("accelerator", node.accelerator, "The accelerator, all alike in a node.").required();
  table
      .field("accelerators_per_node", node.accelerators_per_node,
             "Accelerators of a node; each has one NIC.")
      .required()
      .at_least(1);
  table
      .field("scale_up_bandwidth", node.scale_up_bandwidth,
             "One accelerator's link to the node's switch (NVLink), one direction.")
      .required()
      .above(0);
  table
      .field("scale_up_latency", node.scale_up_latency,
             "Accelerator to accelerator inside the node, end to end.")
      .required()
      .at_least(0);
  table.field("nic_bandwidth", node.nic_bandwidth, "One NIC, one direction.").required().above(0);
  table
      .field("nic_latency", node.nic_latency,
             "Accelerator to accelerator of another node over one switch, end to end.")
      .required()
      .at_least(0);
  table.field("pcie_bandwidth", node.pcie_bandwidth, "Accelerator to its NIC, one direction.")
      .required()
      .above(0);
  table.field("sources", node.sources, "Where each number comes from, by key.");
}

void describe(base::FieldTable& table, Fabric& fabric) {
  table.title("fabric", "The switches that join the nodes' NICs.");
  table
      .field("switch_latency", fabric.switch_latency,
             "Added to nic_latency by each further tier of switches, up and down together.")
      .required()
      .at_least(0);
  table
      .field("nodes_per_leaf", fabric.nodes_per_leaf,
             "Nodes whose NICs of one rail share a leaf switch.")
      .required()
      .at_least(1);
  table
      .field("oversubscription", fabric.oversubscription,
             "Bandwidth of a leaf towards its nodes over its bandwidth towards the spines.")
      .at_least(1);
  table.field("sources", fabric.sources, "Where each number comes from, by key.");
}

void describe(base::FieldTable& table, ClusterConfig& cluster) {
  table.title("cluster", "The machines: which node, how many, joined by which fabric.");
  table.field("preset", cluster.preset,
              "A file in topologies/presets/clusters; the other keys replace its values.");
  table.field("topology", cluster.topology, "How the nodes' NICs are joined.");
  table.field("node", cluster.node, "The node, all alike in a cluster.").required();
  table.field("num_nodes", cluster.num_nodes, "How many nodes.").required().at_least(1);
  table.field("fabric", cluster.fabric, "The switches between the nodes.")
      .used_when(cluster.topology == Topology::rail_optimized_fat_tree,
                 "cluster.topology is rail_optimized_fat_tree");
  table
      .field("ecmp_seed", cluster.ecmp_seed,
             "Seed of the switches' hash that picks among equally short routes.")
      .used_when(cluster.topology == Topology::rail_optimized_fat_tree,
                 "cluster.topology is rail_optimized_fat_tree");
  table.field("sources", cluster.sources, "Where each number comes from, by key.");
}

base::JsonValue resolve_cluster_presets(const base::JsonValue& section) {
  base::JsonValue cluster = base::resolve_preset(section, "topologies/presets/clusters");
  base::JsonValue* node = cluster.find("node");
  if (node == nullptr) return cluster;
  *node = base::resolve_preset(*node, "topologies/presets/nodes");
  if (base::JsonValue* accelerator = node->find("accelerator")) {
    *accelerator = base::resolve_preset(*accelerator, "topologies/presets/accelerators");
  }
  return cluster;
}

void validate(const ClusterConfig& config) {
  count_ranks(config);
  require_bandwidth(config.node.scale_up_bandwidth, "node/scale_up_bandwidth");
  require_bandwidth(config.node.nic_bandwidth, "node/nic_bandwidth");
  require_bandwidth(config.node.pcie_bandwidth, "node/pcie_bandwidth");
  require_latency(config.node.scale_up_latency, "node/scale_up_latency");
  require_latency(config.node.nic_latency, "node/nic_latency");
  const Accelerator& accelerator = config.node.accelerator;
  require(accelerator.achievable_bf16 <= accelerator.peak_bf16, "node/accelerator/achievable_bf16",
          "more is achieved than the peak",
          "at most peak_bf16, " + base::to_text(accelerator.peak_bf16));
  const TopologyEntry& entry = entry_of(config.topology);
  if (entry.check != nullptr) entry.check(config.fabric);
}

Cluster build_cluster(const ClusterConfig& config) {
  validate(config);
  return entry_of(config.topology).build(config);
}

}  // namespace moesim::topologies
