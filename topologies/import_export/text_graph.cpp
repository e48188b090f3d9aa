// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/text_graph.h"

#include "topologies/import_export/cluster_reader.h"

namespace moesim::topologies {
namespace {

struct VertexField {
  const char* key;
  std::string TextVertex::*text;
};
struct EdgeField {
  const char* key;
  std::string TextEdge::*text;
};

constexpr VertexField kVertexFields[] = {
    {"name", &TextVertex::name},      {"kind", &TextVertex::kind}, {"node", &TextVertex::node},
    {"rank", &TextVertex::rank},      {"tier", &TextVertex::tier}, {"place", &TextVertex::place},
    {"reducer", &TextVertex::reducer}};
constexpr EdgeField kEdgeFields[] = {{"kind", &TextEdge::kind},
                                     {"bandwidth", &TextEdge::bandwidth},
                                     {"latency", &TextEdge::latency},
                                     {"name", &TextEdge::name}};

}  // namespace

TextGraph make_text_graph(const Cluster& cluster) {
  TextGraph graph(cluster.vertices.size());
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    for (const Attribute& attribute : attributes_of(cluster, v)) {
      for (const VertexField& field : kVertexFields) {
        if (attribute.key == field.key) graph[v].*field.text = attribute.value;
      }
    }
  }
  for (const Link& link : cluster.links) {
    TextEdge edge;
    for (const Attribute& attribute : attributes_of(link)) {
      for (const EdgeField& field : kEdgeFields) {
        if (attribute.key == field.key) edge.*field.text = attribute.value;
      }
    }
    boost::add_edge(link.from, link.to, edge, graph);
  }
  return graph;
}

void describe_text_graph(TextGraph& graph, boost::dynamic_properties& properties) {
  for (const VertexField& field : kVertexFields) {
    properties.property(field.key, boost::get(field.text, graph));
  }
  for (const EdgeField& field : kEdgeFields) {
    properties.property(field.key, boost::get(field.text, graph));
  }
}

}  // namespace moesim::topologies
