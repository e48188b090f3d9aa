// SPDX-License-Identifier: Apache-2.0
// The cluster section of an experiment: which nodes, how many, joined by which fabric, and how
// messages are routed on it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "topologies/accelerator.h"
#include "topologies/cluster.h"
#include "topologies/fabric_config.h"
#include "topologies/link_override.h"
#include "topologies/node_config.h"
#include "topologies/routing.h"

namespace moesim::topologies {

// Nodes that are all alike, in a cluster of several kinds.
struct NodeGroup {
  Node node;
  int num_nodes = 0;
};

struct ClusterConfig {
  std::string preset;
  Topology topology = Topology::rail_optimized_fat_tree;
  std::string file;                    // of topology file: the graph, see read_cluster()
  Accelerator accelerator;             // of topology file: what every rank is
  Node node;                           // all alike; unused with node_groups or file
  int num_nodes = 0;                   // unused with node_groups or file
  std::vector<NodeGroup> node_groups;  // instead of node and num_nodes, in the order of ranks
  Fabric fabric;
  RoutingPolicy routing = RoutingPolicy::ecmp;
  std::optional<bool> rail_forwarding;  // default: true for rail_only, else false
  std::uint64_t ecmp_seed = 0;
  std::vector<LinkOverride> link_overrides;  // applied in order
  std::map<std::string, std::string> sources;
};

base::EnumNames<Topology> names_of(Topology);
void describe(base::FieldTable& table, NodeGroup& group);
void describe(base::FieldTable& table, ClusterConfig& cluster);

// Replaces every `preset` in the section (cluster, nodes, accelerators) by its file, see
// base::resolve_preset.
base::JsonValue resolve_cluster_presets(const base::JsonValue& section);

// Neighbouring nodes that are all alike; `node` points into the config.
struct NodeRun {
  const Node* node = nullptr;
  int num_nodes = 0;
  std::string where;  // the JSON pointer of what holds them: "/cluster", "/cluster/node_groups/0"
};

// All nodes: those of node_groups, or the one run of `node` and `num_nodes`; none with topology
// file, whose graph alone knows them.
std::vector<NodeRun> runs_of(const ClusterConfig& config);

// Nodes of all runs. `config` is checked by count_ranks().
int count_nodes(const ClusterConfig& config);

// Accelerators of all nodes; with topology file those of the graph, which is read. Throws
// base::Error at "/cluster/..." when a number of nodes or accelerators is below 1, there are more
// than 65,536 ranks, or the file holds no cluster.
int count_ranks(const ClusterConfig& config);

// What rank `rank` (0 to count_ranks() - 1) is. Ranks are numbered node by node, in the order of
// node_groups.
const Accelerator& accelerator_of_rank(const ClusterConfig& config, int rank);

// True when all nodes have accelerators of the same figures.
bool has_one_accelerator(const ClusterConfig& config);

// How messages travel on the cluster.
RoutingOptions routing_options(const ClusterConfig& config);

// Checks what single fields cannot. Throws base::Error at "/cluster/...", or in the graph's file.
void validate(const ClusterConfig& config);

// Builds the graph by the builder that `topology` names, or reads it, then applies link_overrides.
// Throws base::Error (where = the JSON pointer, "/cluster/...") on sizes that the topology cannot
// have, naming the nearest that work.
Cluster build_cluster(const ClusterConfig& config);

}  // namespace moesim::topologies
