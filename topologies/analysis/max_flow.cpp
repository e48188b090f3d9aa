// SPDX-License-Identifier: Apache-2.0
#include "topologies/analysis/max_flow.h"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/boykov_kolmogorov_max_flow.hpp>
#include <cmath>

namespace moesim::topologies {
namespace {

using Capacity = std::int64_t;
using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::bidirectionalS>;

struct FlowEdge {
  Capacity capacity = 0;
  Capacity residual = 0;
  Traits::edge_descriptor reverse;
};
struct FlowVertex {
  Traits::edge_descriptor predecessor;
  boost::default_color_type colour = boost::white_color;
  long distance = 0;
};
// Bidirectional only since GCC 12 falsely warns of the edge iterator of directed lists.
using FlowGraph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, FlowVertex, FlowEdge>;
using Edge = FlowGraph::edge_descriptor;

}  // namespace

// The cluster's vertices, then one that feeds the sources and one that the sinks drain into.
struct MaxFlow::State {
  Cluster cluster;
  FlowGraph graph;
  std::vector<Edge> links;   // by link
  std::vector<Edge> feeds;   // by rank
  std::vector<Edge> drains;  // by rank

  explicit State(const Cluster& c) : cluster(c), graph(c.vertices.size() + 2) {
    const std::size_t source = c.vertices.size();
    for (const Link& link : c.links) links.push_back(add_edge(link.from, link.to));
    for (const int vertex : c.accelerators) {
      feeds.push_back(add_edge(source, vertex));
      drains.push_back(add_edge(vertex, source + 1));
    }
  }

  // The algorithm wants an opposite for every edge; it carries nothing of its own.
  Edge add_edge(std::size_t from, std::size_t to) {
    const Edge edge = boost::add_edge(from, to, graph).first;
    const Edge reverse = boost::add_edge(to, from, graph).first;
    graph[edge].reverse = reverse;
    graph[reverse].reverse = edge;
    return edge;
  }

  // Lets flow in at the sources, out at the sinks, and into no accelerator but the sinks.
  template <class CapacityOf>
  Capacity run(std::span<const int> sources, std::span<const int> sinks,
               const CapacityOf& capacity_of) {
    std::vector<bool> closed(cluster.vertices.size());
    Capacity all = 0;
    for (const int vertex : cluster.accelerators) closed[vertex] = true;
    for (const int sink : sinks) closed[cluster.accelerators[sink]] = false;
    for (std::size_t l = 0; l < links.size(); ++l) {
      const Link& link = cluster.links[l];
      graph[links[l]].capacity = closed[link.to] ? 0 : capacity_of(link);
      all += graph[links[l]].capacity;
    }
    for (const Edge& edge : feeds) graph[edge].capacity = 0;
    for (const Edge& edge : drains) graph[edge].capacity = 0;
    for (const int rank : sources) graph[feeds[rank]].capacity = all;
    for (const int rank : sinks) graph[drains[rank]].capacity = all;
    const std::size_t source = cluster.vertices.size();
    return boost::boykov_kolmogorov_max_flow(
        graph, boost::get(&FlowEdge::capacity, graph), boost::get(&FlowEdge::residual, graph),
        boost::get(&FlowEdge::reverse, graph), boost::get(&FlowVertex::predecessor, graph),
        boost::get(&FlowVertex::colour, graph), boost::get(&FlowVertex::distance, graph),
        boost::get(boost::vertex_index, graph), source, source + 1);
  }
};

MaxFlow::MaxFlow(const Cluster& cluster) : state_(std::make_unique<State>(cluster)) {}

MaxFlow::~MaxFlow() = default;

base::BytesPerSecond MaxFlow::bandwidth(std::span<const int> sources, std::span<const int> sinks) {
  const Capacity flow = state_->run(sources, sinks, [](const Link& link) {
    return static_cast<Capacity>(std::llround(link.bandwidth.value));
  });
  return base::BytesPerSecond(static_cast<double>(flow));
}

std::int64_t MaxFlow::disjoint_ways(int source, int sink) {
  return state_->run({&source, 1}, {&sink, 1}, [](const Link&) { return Capacity{1}; });
}

}  // namespace moesim::topologies
