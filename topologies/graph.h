// SPDX-License-Identifier: Apache-2.0
// The cluster as a Boost.Graph, for algorithms. Only this folder's sources include it: Boost stays
// out of the other headers.
#pragma once

#include <boost/graph/adjacency_list.hpp>
#include <vector>

#include "topologies/cluster.h"

namespace moesim::topologies {

struct GraphVertex {
  VertexKind kind = VertexKind::accelerator;
};

struct GraphEdge {
  int link = 0;  // index into Cluster::links
};

// Vertex descriptors are the cluster's vertex indices; a vertex' out-edges are in link order.
using Graph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, GraphVertex, GraphEdge>;

Graph make_graph(const Cluster& cluster);

inline constexpr int kUnreachable = -1;

// [vertices] the fewest hops from each vertex to `destination` on ways that pass through no
// accelerator, kUnreachable where there is none. Accelerators do not forward: they only begin and
// end a way. Breadth-first search against the direction of the links.
std::vector<int> hops_to(const Graph& graph, int destination);

}  // namespace moesim::topologies
