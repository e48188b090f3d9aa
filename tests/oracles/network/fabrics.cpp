// SPDX-License-Identifier: Apache-2.0
#include "tests/oracles/network/fabrics.h"

#include <algorithm>
#include <stdexcept>

#include "tests/support/example_cluster.h"

namespace moesim::testing {
namespace {

using topologies::ClusterConfig;
using topologies::RoutingPolicy;
using topologies::Topology;

// Few ranks still make several nodes.
int accelerators_per_node(int num_ranks) { return num_ranks < 32 ? 2 : num_ranks < 64 ? 4 : 8; }

void keep(ClusterConfig&) {}

void two_leaves(ClusterConfig& config) { config.fabric.nodes_per_leaf = config.num_nodes / 2; }

void oversubscribe(ClusterConfig& config) {
  two_leaves(config);
  config.fabric.oversubscription = 2;
}

void spray_over_two_leaves(ClusterConfig& config) {
  two_leaves(config);
  config.routing = RoutingPolicy::spray;
}

void four_leaves(ClusterConfig& config) { config.fabric.nodes_per_leaf = config.num_nodes / 4; }

void two_pods(ClusterConfig& config) {
  four_leaves(config);
  config.fabric.tiers = 3;
  config.fabric.leaves_per_pod = 2;
}

// Cables between routers no faster than one NIC, so that the fabric is what limits.
void thin_cables(ClusterConfig& config) {
  config.fabric.link_bandwidth = config.node.nic_bandwidth;
}

// As square as nodes allow: 2 x 2, 2 x 4, 4 x 4.
void grid(ClusterConfig& config) {
  thin_cables(config);
  const int width = config.num_nodes < 16 ? 2 : 4;
  config.fabric.dims = {width, config.num_nodes / width};
}

void grid_by_dimension(ClusterConfig& config) {
  grid(config);
  config.routing = RoutingPolicy::dimension_order;
}

// 2 groups of 2 routers, 4 of 2, 4 of 4, and as many cables as two groups need to be joined by.
void groups(ClusterConfig& config) {
  thin_cables(config);
  config.fabric.groups = config.num_nodes < 8 ? 2 : 4;
  config.fabric.routers_per_group = config.num_nodes / config.fabric.groups;
  config.fabric.global_links_per_router = config.fabric.groups - 1;
}

void groups_by_detour(ClusterConfig& config) {
  groups(config);
  config.routing = RoutingPolicy::valiant;
}

void forward_on_rails(ClusterConfig& config) {
  four_leaves(config);
  config.rail_forwarding = true;
}

struct Variant {
  const char* name;
  Topology topology;
  void (*change)(ClusterConfig&);
};

constexpr Variant kVariants[] = {
    {"single_switch", Topology::single_switch, keep},
    {"full_mesh", Topology::full_mesh, keep},
    {"rail_optimized_fat_tree", Topology::rail_optimized_fat_tree, four_leaves},
    {"rail_optimized_fat_tree, rail forwarding", Topology::rail_optimized_fat_tree,
     forward_on_rails},
    {"rail_optimized_fat_tree 2:1", Topology::rail_optimized_fat_tree, oversubscribe},
    {"fat_tree", Topology::fat_tree, two_leaves},
    {"fat_tree, spray", Topology::fat_tree, spray_over_two_leaves},
    {"fat_tree 2:1", Topology::fat_tree, oversubscribe},
    {"fat_tree, three tiers", Topology::fat_tree, two_pods},
    {"rail_only", Topology::rail_only, two_leaves},
    {"dual_plane", Topology::dual_plane, two_leaves},
    {"dual_plane, spray", Topology::dual_plane, spray_over_two_leaves},
    {"nvl72", Topology::nvl72, two_leaves},
    {"dragonfly", Topology::dragonfly, groups},
    {"dragonfly, valiant", Topology::dragonfly, groups_by_detour},
    {"torus", Topology::torus, grid},
    {"torus, dimension order", Topology::torus, grid_by_dimension},
    {"hyperx", Topology::hyperx, grid},
};

Fabric built(const Variant& variant, int num_ranks) {
  const int per_node = accelerators_per_node(num_ranks);
  ClusterConfig config = example_config(variant.topology, num_ranks / per_node, per_node);
  variant.change(config);
  return {variant.name, build_cluster(config), routing_options(config)};
}

}  // namespace

std::vector<Fabric> fabrics_of(int num_ranks) {
  std::vector<Fabric> fabrics;
  for (const Variant& variant : kVariants) fabrics.push_back(built(variant, num_ranks));
  return fabrics;
}

Fabric fabric_of(const std::string& name, int num_ranks) {
  for (const Variant& variant : kVariants) {
    if (name == variant.name) return built(variant, num_ranks);
  }
  throw std::invalid_argument("no fabric " + name);
}

std::vector<Topology> topologies_of_fabrics() {
  std::vector<Topology> all;
  for (const Variant& variant : kVariants) {
    if (std::find(all.begin(), all.end(), variant.topology) == all.end()) {
      all.push_back(variant.topology);
    }
  }
  return all;
}

}  // namespace moesim::testing
