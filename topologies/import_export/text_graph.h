// SPDX-License-Identifier: Apache-2.0
// A cluster as a Boost.Graph whose vertices and edges carry texts, for Boost's readers and writers.
#pragma once

#include <boost/graph/adjacency_list.hpp>
#include <boost/property_map/dynamic_property_map.hpp>
#include <string>

#include "topologies/cluster.h"

namespace moesim::topologies {

// Empty: not given.
struct TextVertex {
  std::string name;
  std::string kind;
  std::string node;
  std::string rank;
  std::string tier;
  std::string place;
  std::string reducer;
  std::string index;  // its place in the cluster's list, for formats that sort by name
};

struct TextEdge {
  std::string kind;
  std::string bandwidth;
  std::string latency;
  std::string name;
};

// boost::edges() keeps the order in which edges were added.
using TextGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, TextVertex,
                                        TextEdge, boost::no_property, boost::listS>;

// All fields of the cluster, but `index`, which stays empty.
TextGraph make_text_graph(const Cluster& cluster);

// Names the fields as properties, but `index`.
void describe_text_graph(TextGraph& graph, boost::dynamic_properties& properties);

}  // namespace moesim::topologies
