// SPDX-License-Identifier: Apache-2.0
// The cluster section of an experiment: which node, how many, joined by which fabric.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/json_reader.h"
#include "base/units.h"
#include "topologies/accelerator.h"
#include "topologies/cluster.h"

namespace moesim::topologies {

// A server: accelerators on one scale-up switch (NVLink), one NIC each.
struct Node {
  std::string preset;
  std::string name;
  Accelerator accelerator;  // {"preset": "h100_sxm5_80gb"} or the fields
  int accelerators_per_node = 0;
  base::BytesPerSecond scale_up_bandwidth;  // one accelerator, one direction
  base::Seconds scale_up_latency;           // accelerator to accelerator, end to end
  base::BytesPerSecond nic_bandwidth;       // one NIC, one direction
  base::Seconds nic_latency;                // accelerator to accelerator over one leaf switch
  base::BytesPerSecond pcie_bandwidth;      // accelerator to its NIC, one direction
  std::map<std::string, std::string> sources;
};

enum class Topology { single_switch, rail_optimized_fat_tree };

// Nodes' NICs joined by switches.
struct Fabric {
  base::Seconds switch_latency;   // added by each switch tier beyond the first, there and back
  int nodes_per_leaf = 0;         // rail fat tree: nodes whose NICs of one rail share a leaf
  double oversubscription = 1.0;  // leaf down bandwidth / up bandwidth
  std::map<std::string, std::string> sources;
};

struct ClusterConfig {
  std::string preset;
  Topology topology = Topology::rail_optimized_fat_tree;
  Node node;
  int num_nodes = 0;
  Fabric fabric;
  std::uint64_t ecmp_seed = 0;
  std::map<std::string, std::string> sources;
};

base::EnumNames<Topology> names_of(Topology);
void describe(base::FieldTable& table, Node& node);
void describe(base::FieldTable& table, Fabric& fabric);
void describe(base::FieldTable& table, ClusterConfig& cluster);

// Replaces every `preset` in the section (cluster, node, accelerator) by its file, see
// base::resolve_preset.
base::JsonValue resolve_cluster_presets(const base::JsonValue& section);

// num_nodes x accelerators_per_node. Throws base::Error at "/cluster/..." when either is below 1 or
// there are more than 65,536 ranks.
int count_ranks(const ClusterConfig& config);

// Checks what single fields cannot. Throws base::Error at "/cluster/...".
void validate(const ClusterConfig& config);

// Builds the graph by the builder that `topology` names. Throws base::Error (where = the JSON
// pointer, "/cluster/...") on sizes that the topology cannot have, naming the nearest that work.
Cluster build_cluster(const ClusterConfig& config);

}  // namespace moesim::topologies
