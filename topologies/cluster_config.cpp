// SPDX-License-Identifier: Apache-2.0
#include "topologies/cluster_config.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/data_directory.h"
#include "base/error.h"
#include "base/named_table.h"
#include "topologies/builders/dragonfly.h"
#include "topologies/builders/dual_plane.h"
#include "topologies/builders/fat_tree.h"
#include "topologies/builders/file.h"
#include "topologies/builders/full_mesh.h"
#include "topologies/builders/hyperx.h"
#include "topologies/builders/nvl72.h"
#include "topologies/builders/rail_only.h"
#include "topologies/builders/rail_optimized_fat_tree.h"
#include "topologies/builders/single_switch.h"
#include "topologies/builders/torus.h"
#include "topologies/config_checks.h"

namespace moesim::topologies {
namespace {

struct TopologyEntry {
  Topology id;
  const char* name;
  void (*check)(const ClusterConfig&);  // null where any nodes will do
  Cluster (*build)(const ClusterConfig&);
};

// Reading it is the check.
void check_file(const ClusterConfig& config) {
  validate(config.accelerator, "/cluster/accelerator");
  count_ranks(config);
}

// Every topology there is: the one place to add another.
const std::vector<TopologyEntry>& topologies() {
  static const std::vector<TopologyEntry> table = {
      {Topology::single_switch, "single_switch", nullptr, build_single_switch},
      {Topology::full_mesh, "full_mesh", check_full_mesh, build_full_mesh},
      {Topology::rail_optimized_fat_tree, "rail_optimized_fat_tree", check_rail_optimized_fat_tree,
       build_rail_optimized_fat_tree},
      {Topology::fat_tree, "fat_tree", check_fat_tree, build_fat_tree},
      {Topology::rail_only, "rail_only", check_rail_only, build_rail_only},
      {Topology::dual_plane, "dual_plane", check_dual_plane, build_dual_plane},
      {Topology::nvl72, "nvl72", check_nvl72, build_nvl72},
      {Topology::dragonfly, "dragonfly", check_dragonfly, build_dragonfly},
      {Topology::torus, "torus", check_torus, build_torus},
      {Topology::hyperx, "hyperx", check_hyperx, build_hyperx},
      {Topology::file, "file", check_file, build_from_file},
  };
  return table;
}

const TopologyEntry& entry_of(Topology topology) { return base::row_of(topologies(), topology); }

// More would ask for tens of gigabytes of routes.
constexpr int kMostRanks = 65536;

// Ranks of a run, given those of the runs before it.
int count_ranks_of(const NodeRun& run, int before) {
  const int per_node = run.node->accelerators_per_node;
  const std::string most = std::to_string(kMostRanks);
  require(run.num_nodes >= 1, run.where + "/num_nodes", "a cluster has at least 1 node",
          "set it to 1");
  require(per_node >= 1, run.where + "/node/accelerators_per_node",
          "a node has at least 1 accelerator", "set it to 1, or name a node preset");
  require(per_node <= kMostRanks, run.where + "/node/accelerators_per_node",
          std::to_string(per_node) + " accelerators are more than " + most,
          "at most " + most + " fit");
  require(std::int64_t{run.num_nodes} * per_node <= kMostRanks - before, run.where + "/num_nodes",
          std::to_string(run.num_nodes) + " nodes of " + std::to_string(per_node) +
              " accelerators are more than " + std::to_string(kMostRanks - before) + " ranks",
          "at most " + std::to_string((kMostRanks - before) / per_node) + " nodes fit");
  return run.num_nodes * per_node;
}

// Some node's accelerators have more than one way to a NIC.
bool has_choice_of_nics(const ClusterConfig& config) {
  const std::vector<NodeRun> runs = runs_of(config);
  return std::any_of(runs.begin(), runs.end(), [](const NodeRun& run) {
    return run.node->accelerators_per_pcie_switch > 1 ||
           count_nics(*run.node) > run.node->accelerators_per_node;
  });
}

bool has_choice_of_routes(const ClusterConfig& config) {
  const bool single =
      config.topology == Topology::single_switch || config.topology == Topology::full_mesh;
  return !single || has_choice_of_nics(config);
}

void describe_nodes(base::FieldTable& table, ClusterConfig& cluster) {
  const bool from_file = cluster.topology == Topology::file;
  const bool alike = cluster.node_groups.empty() && !from_file;
  const char* const when_alike = "cluster.node_groups is empty and cluster.topology is not file";
  table
      .field("file", cluster.file,
             "The graph of topology file, relative to the file that names it: .json, .xml (a "
             "SimGrid platform), .graphml or .dot.")
      .required()
      .used_when(from_file, "cluster.topology is file");
  table.field("accelerator", cluster.accelerator, "What every rank of topology file is.")
      .required()
      .used_when(from_file, "cluster.topology is file");
  table.field("node", cluster.node, "The node, where all are alike.")
      .required()
      .used_when(alike, when_alike);
  table.field("num_nodes", cluster.num_nodes, "How many nodes.")
      .required()
      .at_least(1)
      .used_when(alike, when_alike);
  table
      .field("node_groups", cluster.node_groups,
             "Instead of node and num_nodes: nodes of several kinds, in the order of their ranks.")
      .used_when(!from_file, "cluster.topology is not file");
}

void describe_routing(base::FieldTable& table, ClusterConfig& cluster) {
  const char* const when_choice = "the fabric has several shortest routes between two ranks";
  const bool choice = has_choice_of_routes(cluster);
  table
      .field("routing", cluster.routing,
             "ecmp: one of the shortest routes by a hash of the pair, on every topology the "
             "default. spray: all of them evenly. dimension_order: torus and hyperx, one dimension "
             "after another. valiant: dragonfly, torus and hyperx, by a hashed place in between.")
      .used_when(choice, when_choice);
  table
      .field("rail_forwarding", cluster.rail_forwarding,
             "A message to another rail goes over the scale-up link to the neighbour on that rail "
             "and leaves from its NIC (PXN); null: true for rail_only, else false.")
      .used_when(has_rails(cluster.topology) || cluster.topology == Topology::file,
                 "cluster.topology has rails or is file");
  table
      .field("ecmp_seed", cluster.ecmp_seed,
             "Seed of the switches' hash that picks among equally short routes.")
      .used_when(choice, when_choice);
}

void resolve_accelerator(base::JsonValue& holder) {
  if (base::JsonValue* accelerator = holder.find("accelerator")) {
    *accelerator = base::resolve_preset(*accelerator, "topologies/presets/accelerators");
  }
}

void resolve_node(base::JsonValue& holder) {
  base::JsonValue* node = holder.find("node");
  if (node == nullptr) return;
  *node = base::resolve_preset(*node, "topologies/presets/nodes");
  resolve_accelerator(*node);
}

void check_equal_rails(const ClusterConfig& config) {
  const std::vector<NodeRun> runs = runs_of(config);
  for (const NodeRun& run : runs) {
    const int nics = count_nics(*run.node);
    const int first = count_nics(*runs.front().node);
    require(nics == first, run.where + "/node/nics_per_node",
            "rails need equally many NICs in every node: here " + std::to_string(nics) +
                ", in the first node " + std::to_string(first),
            "set it to " + std::to_string(first) + ", or use topology fat_tree");
  }
}

void check_routing(const ClusterConfig& config) {
  const Topology topology = config.topology;
  if (topology == Topology::file) return;  // whether its switches have places, the router finds out
  const bool grid = topology == Topology::torus || topology == Topology::hyperx;
  const std::string name = base::name_in_words(topology);
  require(config.routing != RoutingPolicy::dimension_order || grid, "/cluster/routing",
          "a " + name + " has no dimensions to route by", "use ecmp, or topology torus or hyperx");
  require(config.routing != RoutingPolicy::valiant || is_direct(topology), "/cluster/routing",
          "a " + name + " has no places in between to route by",
          "use ecmp, or topology dragonfly, torus or hyperx");
  for (const NodeRun& run : runs_of(config)) {
    require(!config.rail_forwarding.value_or(false) || run.node->scale_up != ScaleUp::none,
            "/cluster/rail_forwarding",
            "a node without a scale-up link has no way to its neighbour",
            "set it to false, or scale_up to switch or full_mesh");
  }
}

void check(const ClusterConfig& config) {
  if (config.topology != Topology::file) count_ranks(config);
  for (const NodeRun& run : runs_of(config)) validate(*run.node, run.where + "/node");
  if (has_rails(config.topology)) check_equal_rails(config);
  check_routing(config);
  const TopologyEntry& entry = entry_of(config.topology);
  if (entry.check != nullptr) entry.check(config);
}

Cluster build_checked(const ClusterConfig& config) {
  Cluster cluster = entry_of(config.topology).build(config);
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    const bool reduces =
        config.fabric.in_switch_reduction && cluster.vertices[v].kind == VertexKind::fabric_switch;
    if (reduces) cluster.reducers.push_back(static_cast<int>(v));
  }
  std::sort(cluster.reducers.begin(), cluster.reducers.end());
  apply_overrides(cluster, config.link_overrides);
  return cluster;
}

}  // namespace

std::vector<NodeRun> runs_of(const ClusterConfig& config) {
  if (config.topology == Topology::file) return {};
  if (config.node_groups.empty()) return {{&config.node, config.num_nodes, "/cluster"}};
  std::vector<NodeRun> runs;
  for (const NodeGroup& group : config.node_groups) {
    runs.push_back(
        {&group.node, group.num_nodes, "/cluster/node_groups/" + std::to_string(runs.size())});
  }
  return runs;
}

int count_nodes(const ClusterConfig& config) {
  int nodes = 0;
  for (const NodeRun& run : runs_of(config)) nodes += run.num_nodes;
  return nodes;
}

int count_ranks(const ClusterConfig& config) {
  if (config.topology == Topology::file) return build_from_file(config).num_ranks();
  int ranks = 0;
  for (const NodeRun& run : runs_of(config)) ranks += count_ranks_of(run, ranks);
  return ranks;
}

const Accelerator& accelerator_of_rank(const ClusterConfig& config, int rank) {
  if (config.topology == Topology::file) return config.accelerator;
  int end = 0;
  for (const NodeRun& run : runs_of(config)) {
    end += run.num_nodes * run.node->accelerators_per_node;
    if (rank < end) return run.node->accelerator;
  }
  CHECK(rank < end, "the cluster has no rank " + std::to_string(rank));
  return config.node.accelerator;
}

bool has_one_accelerator(const ClusterConfig& config) {
  const std::vector<NodeRun> runs = runs_of(config);
  return std::all_of(runs.begin(), runs.end(), [&](const NodeRun& run) {
    return has_same_figures(run.node->accelerator, runs.front().node->accelerator);
  });
}

RoutingOptions routing_options(const ClusterConfig& config) {
  return {config.routing, config.rail_forwarding.value_or(config.topology == Topology::rail_only),
          config.ecmp_seed};
}

base::EnumNames<Topology> names_of(Topology) { return base::names_in(topologies()); }

void describe(base::FieldTable& table, NodeGroup& group) {
  table.title("node_group", "Nodes that are all alike, in a cluster of several kinds.");
  table.field("node", group.node, "The node.").required();
  table.field("num_nodes", group.num_nodes, "How many nodes.").required().at_least(1);
}

void describe(base::FieldTable& table, ClusterConfig& cluster) {
  cluster.fabric.topology = cluster.topology;
  table.title("cluster", "The machines: which nodes, how many, joined by which fabric.");
  table.field("preset", cluster.preset,
              "A file in topologies/presets/clusters; the other keys replace its values.");
  table.field("topology", cluster.topology, "How the nodes' NICs are joined.");
  describe_nodes(table, cluster);
  table.field("fabric", cluster.fabric, "The switches between the nodes.")
      .used_when(cluster.topology != Topology::full_mesh && cluster.topology != Topology::file,
                 "cluster.topology has switches");
  describe_routing(table, cluster);
  table.field("link_overrides", cluster.link_overrides,
              "Links that differ from what the nodes and the fabric give them.");
  table.field("sources", cluster.sources, "Where each number comes from, by key.");
}

base::JsonValue resolve_cluster_presets(const base::JsonValue& section) {
  base::JsonValue cluster = base::resolve_preset(section, "topologies/presets/clusters");
  resolve_accelerator(cluster);
  resolve_node(cluster);
  if (base::JsonValue* groups = cluster.find("node_groups")) {
    for (base::JsonValue& group : groups->items) resolve_node(group);
  }
  return cluster;
}

void validate(const ClusterConfig& config) {
  check(config);
  // Which links there are, only the graph says.
  if (!config.link_overrides.empty()) build_checked(config);
}

Cluster build_cluster(const ClusterConfig& config) {
  check(config);
  return build_checked(config);
}

}  // namespace moesim::topologies
