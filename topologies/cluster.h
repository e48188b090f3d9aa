// SPDX-License-Identifier: Apache-2.0
// A cluster as a directed graph of plain values: accelerators, NICs and switches joined by links
// that each carry one direction. Ranks are accelerators: rank r is vertex `accelerators[r]`.
#pragma once

#include <string>
#include <vector>

#include "base/units.h"

namespace moesim::topologies {

enum class VertexKind { accelerator, nic, switch_device };

struct Vertex {
  VertexKind kind = VertexKind::accelerator;
  std::string name;  // "node0/gpu3", "node0/nvswitch", "node0/nic3", "leaf2", "spine0"
  int node = -1;     // the node (server) it sits in; -1 for fabric switches
  int rank = -1;     // accelerators and NICs: the rank they are or serve; -1 for switches
};

enum class LinkKind { scale_up, pcie, nic, fabric };

struct Link {
  int from = 0;  // vertex indices
  int to = 0;
  LinkKind kind = LinkKind::fabric;
  base::BytesPerSecond bandwidth;  // this direction
  base::Seconds latency;
  std::string name;  // "node0/nic3->leaf3"
};

struct Cluster {
  std::vector<Vertex> vertices;
  std::vector<Link> links;
  std::vector<int> accelerators;  // rank -> vertex
  int num_nodes = 0;

  int num_ranks() const { return static_cast<int>(accelerators.size()); }
  int node_of_rank(int rank) const { return vertices[accelerators[rank]].node; }
};

}  // namespace moesim::topologies
