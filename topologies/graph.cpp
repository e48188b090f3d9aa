// SPDX-License-Identifier: Apache-2.0
#include "topologies/graph.h"

#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/filtered_graph.hpp>
#include <boost/graph/reverse_graph.hpp>

namespace moesim::topologies {
namespace {

// Keeps the edges whose head may lie on a way to `destination`: anything but other accelerators.
struct LeadsOn {
  const Graph* graph = nullptr;
  std::size_t destination = 0;

  bool operator()(const Graph::edge_descriptor& edge) const {
    const std::size_t head = boost::target(edge, *graph);
    return head == destination || (*graph)[head].kind != VertexKind::accelerator;
  }
};

}  // namespace

Graph make_graph(const Cluster& cluster) {
  Graph graph(cluster.vertices.size());
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v)
    graph[v].kind = cluster.vertices[v].kind;
  for (std::size_t l = 0; l < cluster.links.size(); ++l) {
    boost::add_edge(cluster.links[l].from, cluster.links[l].to, GraphEdge{static_cast<int>(l)},
                    graph);
  }
  return graph;
}

std::vector<int> hops_to(const Graph& graph, int destination) {
  const auto start = static_cast<std::size_t>(destination);
  const boost::filtered_graph<Graph, LeadsOn> forwarding(graph, LeadsOn{&graph, start});
  std::vector<int> hops(boost::num_vertices(graph), kUnreachable);
  hops[start] = 0;
  boost::breadth_first_search(boost::make_reverse_graph(forwarding), start,
                              boost::visitor(boost::make_bfs_visitor(
                                  boost::record_distances(hops.data(), boost::on_tree_edge()))));
  return hops;
}

}  // namespace moesim::topologies
