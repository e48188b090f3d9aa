// SPDX-License-Identifier: Apache-2.0
// Clusters to route on: drawn by hand, one of every topology, and at random.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "tests/support/example_cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::testing {

// A cluster built vertex by vertex. Cables are two links of 1 GB/s and 1 us, a -> b before b -> a.
class DrawnCluster {
 public:
  int accelerator(int node) {
    const int rank = cluster.num_ranks();
    cluster.num_nodes = std::max(cluster.num_nodes, node + 1);
    cluster.accelerators.push_back(
        add({topologies::VertexKind::accelerator, "gpu" + std::to_string(rank), node, rank}));
    return cluster.accelerators.back();
  }
  int nic(int node) {
    return add(
        {topologies::VertexKind::nic, "nic" + std::to_string(cluster.vertices.size()), node});
  }
  int pcie_switch(int node) { return add({topologies::VertexKind::pcie_switch, "pcie", node}); }
  int scale_up_switch(int node) {
    return add({topologies::VertexKind::scale_up_switch, "nvswitch", node});
  }
  int fabric_switch(std::string name, std::vector<int> place = {}) {
    topologies::Vertex vertex{topologies::VertexKind::fabric_switch, std::move(name)};
    vertex.place = std::move(place);
    return add(std::move(vertex));
  }
  // Returns the index of the link a -> b; b -> a is the next.
  int cable(int a, int b, topologies::LinkKind kind = topologies::LinkKind::fabric) {
    for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
      cluster.links.push_back({from, to, kind, base::BytesPerSecond(1e9), base::Seconds(1e-6),
                               cluster.vertices[from].name + "->" + cluster.vertices[to].name});
    }
    return static_cast<int>(cluster.links.size()) - 2;
  }

  topologies::Cluster cluster;

 private:
  int add(topologies::Vertex vertex) {
    cluster.vertices.push_back(std::move(vertex));
    return static_cast<int>(cluster.vertices.size()) - 1;
  }
};

// The vertices that a way visits, by name: "gpu0 nic2 leaf0 ...". "broken" where links do not join.
inline std::string names_along(const topologies::Cluster& cluster, std::span<const int> links) {
  if (links.empty()) return "";
  std::string names = cluster.vertices[cluster.links[links.front()].from].name;
  int vertex = cluster.links[links.front()].from;
  for (const int link : links) {
    if (cluster.links[link].from != vertex) return "broken";
    vertex = cluster.links[link].to;
    names += " " + cluster.vertices[vertex].name;
  }
  return names;
}

// Calls visit(source, destination) for all pairs of ranks, a rank and itself too.
template <class Visit>
void for_all_pairs(const topologies::Cluster& cluster, Visit visit) {
  for (int source = 0; source < cluster.num_ranks(); ++source) {
    for (int destination = 0; destination < cluster.num_ranks(); ++destination) {
      visit(source, destination);
    }
  }
}

// One accelerator and NIC a node, each at its own router of a grid: `at` is the router's vertex by
// its place. Only vertices; cables between routers are the caller's.
struct DrawnGrid {
  DrawnCluster drawn;
  std::map<std::vector<int>, int> at;
  std::map<std::vector<int>, int> rank_at;

  void router(const std::vector<int>& place) {
    std::string name = "r";
    for (const int coordinate : place) name += std::to_string(coordinate);
    const int node = drawn.cluster.num_nodes;
    const int gpu = drawn.accelerator(node);
    const int nic = drawn.nic(node);
    at[place] = drawn.fabric_switch(name, place);
    rank_at[place] = drawn.cluster.num_ranks() - 1;
    drawn.cable(gpu, nic, topologies::LinkKind::pcie);
    drawn.cable(nic, at[place], topologies::LinkKind::nic);
  }
};

// A torus of x by y routers, every cable leading to the next higher coordinate.
inline DrawnGrid drawn_torus(int x, int y) {
  DrawnGrid grid;
  for (int i = 0; i < x; ++i) {
    for (int j = 0; j < y; ++j) grid.router({i, j});
  }
  for (int i = 0; i < x; ++i) {
    for (int j = 0; j < y; ++j) {
      if (x > 2 || i == 0) grid.drawn.cable(grid.at[{i, j}], grid.at[{(i + 1) % x, j}]);
      if (y > 2 || j == 0) grid.drawn.cable(grid.at[{i, j}], grid.at[{i, (j + 1) % y}]);
    }
  }
  return grid;
}

// One small cluster of every topology.
inline topologies::ClusterConfig config_of_topology(topologies::Topology topology) {
  using topologies::Topology;
  topologies::ClusterConfig config = example_config(topology, 8, 4);
  config.fabric.link_bandwidth = base::BytesPerSecond(100e9);
  if (topology == Topology::fat_tree) {
    config.fabric.tiers = 3;
    config.fabric.nodes_per_leaf = 2;
    config.fabric.leaves_per_pod = 2;
  }
  if (topology == Topology::nvl72) config.node.scale_up_domain = 8;
  if (topology == Topology::dragonfly) {
    config = example_config(topology, 12, 2);
    config.fabric.link_bandwidth = base::BytesPerSecond(100e9);
    config.fabric.groups = 4;
    config.fabric.routers_per_group = 3;
    config.fabric.global_links_per_router = 1;
  }
  if (topology == Topology::torus || topology == Topology::hyperx) {
    config = example_config(topology, 24, 2);
    config.fabric.link_bandwidth = base::BytesPerSecond(100e9);
    config.fabric.dims = {4, 3, 2};
  }
  return config;
}

inline std::vector<topologies::Topology> all_topologies() {
  using topologies::Topology;
  return {Topology::single_switch, Topology::full_mesh, Topology::rail_optimized_fat_tree,
          Topology::fat_tree,      Topology::rail_only, Topology::dual_plane,
          Topology::nvl72,         Topology::dragonfly, Topology::torus,
          Topology::hyperx};
}

// Switches in a random connected graph, some cables double; nodes of 1 to 4 accelerators on a
// scale-up switch or without one, PCIe switches here and there, NICs with one or two ports on
// random switches; some accelerators have several NICs, some none.
inline topologies::Cluster random_cluster(std::uint64_t seed) {
  base::Rng rng(seed, "random_cluster");
  DrawnCluster drawn;
  std::vector<int> switches;
  const int num_switches = 2 + static_cast<int>(rng.below(6));
  for (int i = 0; i < num_switches; ++i) {
    switches.push_back(drawn.fabric_switch("s" + std::to_string(i)));
    if (i > 0) drawn.cable(switches[rng.below(i)], switches[i]);
  }
  for (std::size_t i = 0; i < rng.below(8); ++i) {
    const int a = static_cast<int>(rng.below(switches.size()));
    const int b = static_cast<int>(rng.below(switches.size()));
    if (a != b) drawn.cable(switches[a], switches[b]);
  }
  for (int node = 0; node < 5; ++node) {
    std::vector<int> gpus;
    for (std::size_t i = 0; i < 1 + rng.below(4); ++i) gpus.push_back(drawn.accelerator(node));
    if (rng.below(3) > 0) {
      const int nvswitch = drawn.scale_up_switch(node);
      for (const int gpu : gpus) drawn.cable(gpu, nvswitch, topologies::LinkKind::scale_up);
    }
    const int shared = rng.below(3) == 0 ? drawn.pcie_switch(node) : -1;
    for (const int gpu : gpus) {
      if (shared >= 0) drawn.cable(gpu, shared, topologies::LinkKind::pcie);
    }
    for (std::size_t i = 0; i < 1 + rng.below(3); ++i) {
      const int nic = drawn.nic(node);
      drawn.cable(shared >= 0 ? shared : gpus[rng.below(gpus.size())], nic,
                  topologies::LinkKind::pcie);
      for (std::size_t port = 0; port < 1 + rng.below(2); ++port) {
        drawn.cable(nic, switches[rng.below(switches.size())], topologies::LinkKind::nic);
      }
    }
  }
  return std::move(drawn.cluster);
}

}  // namespace moesim::testing
