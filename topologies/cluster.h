// SPDX-License-Identifier: Apache-2.0
// A cluster as a directed graph of plain values: accelerators, NICs and switches joined by links
// that each carry one direction. Ranks are accelerators: rank r is vertex `accelerators[r]`.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"

namespace moesim::topologies {

enum class VertexKind { accelerator, nic, pcie_switch, scale_up_switch, fabric_switch };

constexpr bool is_switch(VertexKind kind) { return kind >= VertexKind::pcie_switch; }

struct Vertex {
  VertexKind kind = VertexKind::accelerator;
  std::string name;  // "node0/gpu3", "node0/nvswitch", "node0/nic3", "leaf2", "spine0"
  int node = -1;     // the node (server) it sits in; -1 for fabric switches
  int rank = -1;     // accelerators: the rank they are; NICs: the first rank they serve; else -1
  int tier = 0;      // fabric switches: 1 next to the NICs, 2 above, ...; 0 elsewhere
  // Where a switch of a regular fabric stands: torus and HyperX {x, y, ...}, dragonfly {group,
  // router}; rail fabrics and planes {rail} or {plane}. Empty elsewhere.
  std::vector<int> place = {};

  bool operator==(const Vertex&) const = default;
};

enum class LinkKind { scale_up, pcie, nic, fabric };

struct Link {
  int from = 0;  // vertex indices
  int to = 0;
  LinkKind kind = LinkKind::fabric;
  base::BytesPerSecond bandwidth;  // this direction
  base::Seconds latency;
  std::string name;  // "node0/nic3->leaf3"

  bool operator==(const Link&) const = default;
};

struct Cluster {
  std::vector<Vertex> vertices;
  std::vector<Link> links;
  std::vector<int> accelerators;  // rank -> vertex
  int num_nodes = 0;
  // Switches that add up and copy what crosses them (NVLink SHARP, InfiniBand SHARP), ascending.
  // As ends of transfers they are numbered after the ranks, see vertex_of_endpoint.
  std::vector<int> reducers = {};

  int num_ranks() const { return static_cast<int>(accelerators.size()); }
  int node_of_rank(int rank) const { return vertices[accelerators[rank]].node; }

  // What transfers may begin and end at: the ranks, then the reducers.
  int num_endpoints() const { return num_ranks() + static_cast<int>(reducers.size()); }
  int vertex_of_endpoint(int endpoint) const {
    return endpoint < num_ranks() ? accelerators[endpoint] : reducers[endpoint - num_ranks()];
  }

  bool operator==(const Cluster&) const = default;
};

}  // namespace moesim::topologies
