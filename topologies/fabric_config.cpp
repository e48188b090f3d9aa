// SPDX-License-Identifier: Apache-2.0
#include "topologies/fabric_config.h"

namespace moesim::topologies {
namespace {

constexpr const char* kLeafTopologies =
    "cluster.topology is fat_tree, rail_optimized_fat_tree, rail_only, dual_plane or nvl72";
constexpr const char* kDirectTopologies = "cluster.topology is dragonfly, torus or hyperx";

void describe_tree(base::FieldTable& table, Fabric& fabric) {
  const bool leaves = has_leaves(fabric.topology);
  const bool tree = fabric.topology == Topology::fat_tree;
  const bool three_tiers = tree && fabric.tiers == 3;
  table
      .field("nodes_per_leaf", fabric.nodes_per_leaf,
             "Nodes that share a leaf switch; with rails, whose NICs of one rail do.")
      .required()
      .at_least(1)
      .used_when(leaves, kLeafTopologies);
  table
      .field("oversubscription", fabric.oversubscription,
             "Bandwidth of a leaf towards its nodes over its bandwidth towards the spines.")
      .at_least(1)
      .used_when(leaves, kLeafTopologies);
  table.field("tiers", fabric.tiers, "Tiers of switches: 2 or 3.")
      .at_least(2)
      .at_most(3)
      .used_when(tree, "cluster.topology is fat_tree");
  table
      .field("leaves_per_pod", fabric.leaves_per_pod,
             "Leaves that share the spines of a pod; core switches join the pods.")
      .required()
      .at_least(1)
      .used_when(three_tiers, "cluster.topology is fat_tree with 3 tiers");
  table
      .field("core_oversubscription", fabric.core_oversubscription,
             "Bandwidth of a pod's spine towards its leaves over its bandwidth towards the cores.")
      .at_least(1)
      .used_when(three_tiers, "cluster.topology is fat_tree with 3 tiers");
}

void describe_direct(base::FieldTable& table, Fabric& fabric) {
  const bool direct = is_direct(fabric.topology);
  const bool grid = fabric.topology == Topology::torus || fabric.topology == Topology::hyperx;
  const bool dragonfly = fabric.topology == Topology::dragonfly;
  const char* const when_dragonfly = "cluster.topology is dragonfly";
  table.field("nodes_per_router", fabric.nodes_per_router, "Nodes whose NICs are on one router.")
      .at_least(1)
      .used_when(direct, kDirectTopologies);
  table
      .field("link_bandwidth", fabric.link_bandwidth,
             "One cable between two routers, one direction.")
      .required()
      .above(0)
      .used_when(direct, kDirectTopologies);
  table
      .field("dims", fabric.dims,
             "Routers along each dimension; times nodes_per_router they are num_nodes.")
      .required()
      .at_least(1)
      .used_when(grid, "cluster.topology is torus or hyperx");
  table.field("groups", fabric.groups, "Groups of routers, each joined to every other.")
      .required()
      .at_least(1)
      .used_when(dragonfly, when_dragonfly);
  table
      .field("routers_per_group", fabric.routers_per_group,
             "Routers of a group, each joined to every other.")
      .required()
      .at_least(1)
      .used_when(dragonfly, when_dragonfly);
  table
      .field("global_links_per_router", fabric.global_links_per_router,
             "Cables of a router to other groups.")
      .required()
      .at_least(0)
      .used_when(dragonfly, when_dragonfly);
  table
      .field("global_link_bandwidth", fabric.global_link_bandwidth,
             "One cable between two groups, one direction; null: link_bandwidth.")
      .above(0)
      .used_when(dragonfly, when_dragonfly);
}

}  // namespace

bool has_rails(Topology topology) {
  return topology == Topology::rail_optimized_fat_tree || topology == Topology::rail_only ||
         topology == Topology::dual_plane || topology == Topology::nvl72;
}

bool is_direct(Topology topology) {
  return topology == Topology::dragonfly || topology == Topology::torus ||
         topology == Topology::hyperx;
}

bool has_leaves(Topology topology) { return has_rails(topology) || topology == Topology::fat_tree; }

void describe(base::FieldTable& table, Fabric& fabric) {
  const bool has_switches =
      fabric.topology != Topology::full_mesh && fabric.topology != Topology::file;
  table.title("fabric", "The switches that join the nodes' NICs.");
  table
      .field("switch_latency", fabric.switch_latency,
             "Added to nic_latency by each further tier of switches, up and down together: half of "
             "it lies on each cable between two switches.")
      .required()
      .at_least(0)
      .used_when(has_switches && fabric.topology != Topology::single_switch,
                 "cluster.topology has more than one switch");
  describe_tree(table, fabric);
  describe_direct(table, fabric);
  table
      .field("in_switch_reduction", fabric.in_switch_reduction,
             "The switches add up and copy what crosses them (InfiniBand SHARP).")
      .used_when(has_switches, "cluster.topology has switches");
  table.field("sources", fabric.sources, "Where each number comes from, by key.");
}

}  // namespace moesim::topologies
