// SPDX-License-Identifier: Apache-2.0
// Graphviz DOT by Boost.Graph.
#include <algorithm>
#include <boost/graph/graphviz.hpp>
#include <charconv>
#include <sstream>
#include <utility>
#include <vector>

#include "base/error.h"
#include "topologies/import_export/cluster_reader.h"
#include "topologies/import_export/dot_scan.h"
#include "topologies/import_export/formats.h"
#include "topologies/import_export/text_graph.h"

namespace moesim::topologies {
namespace {

TextGraph parse(std::string_view text, const std::string& name) {
  TextGraph graph;
  boost::dynamic_properties properties;
  describe_text_graph(graph, properties);
  properties.property("index", boost::get(&TextVertex::index, graph));
  try {
    boost::read_graphviz(std::string(text), graph, properties, "name");
  } catch (const boost::property_not_found& error) {
    throw base::Error(name, "unknown key \"" + error.property.substr(0, 80) + "\"",
                      "leave out what is only for drawing");
  } catch (const std::exception& error) {
    throw base::Error(name, std::string("this is no DOT: ") + error.what(),
                      "see docs/file_formats.md");
  }
  return graph;
}

// Boost lists vertices by name; `index`, on all or none, says their order.
std::vector<std::size_t> vertex_order(const TextGraph& graph, const std::string& name) {
  const std::size_t count = boost::num_vertices(graph);
  std::vector<std::size_t> order(count, count);
  std::size_t given = 0;
  for (std::size_t v = 0; v < count; ++v) {
    const std::string& text = graph[v].index;
    if (text.empty()) continue;
    std::size_t index = count;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || index >= count || order[index] != count) {
      throw base::Error(name,
                        "vertex \"" + graph[v].name + "\": index \"" + text.substr(0, 80) +
                            "\" is taken or out of range",
                        "number the vertices from 0, or none");
    }
    order[index] = v;
    ++given;
  }
  if (given == 0) {
    for (std::size_t v = 0; v < count; ++v) order[v] = v;
  } else if (given < count) {
    throw base::Error(name, "some vertices have an index and some have none",
                      "number the vertices from 0, or none");
  }
  return order;
}

Attributes given(Attributes attributes) {
  std::erase_if(attributes, [](const Attribute& attribute) { return attribute.value.empty(); });
  return attributes;
}

Attributes fields_of(const TextVertex& vertex) {
  return given({{"name", vertex.name},
                {"kind", vertex.kind},
                {"node", vertex.node},
                {"rank", vertex.rank},
                {"tier", vertex.tier},
                {"place", vertex.place},
                {"reducer", vertex.reducer}});
}

Attributes fields_of(const TextEdge& edge) {
  return given({{"kind", edge.kind},
                {"bandwidth", edge.bandwidth},
                {"latency", edge.latency},
                {"name", edge.name}});
}

std::string field_text(const Attributes& attributes) {
  std::string text;
  for (const Attribute& attribute : attributes) {
    // Quoted, since node is a word of DOT's own.
    text += (text.empty() ? "\"" : ", \"") + attribute.key + "\"=\"" + attribute.value + "\"";
  }
  return text.empty() ? text : " [" + text + "]";
}

}  // namespace

Cluster cluster_from_dot(std::string_view text, const std::string& name) {
  scan_dot(text, name);
  const TextGraph graph = parse(text, name);
  ClusterReader reader(name);
  for (const std::size_t v : vertex_order(graph, name)) {
    reader.add_vertex(fields_of(graph[v]), reader.at(0));
  }
  const auto [begin, end] = boost::edges(graph);
  for (auto edge = begin; edge != end; ++edge) {
    reader.add_link(graph[boost::source(*edge, graph)].name,
                    graph[boost::target(*edge, graph)].name, fields_of(graph[*edge]), reader.at(0));
  }
  return std::move(reader).finish();
}

std::string to_dot_text(const Cluster& cluster) {
  TextGraph graph = make_text_graph(cluster);
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) graph[v].index = std::to_string(v);
  const auto write_vertex = [&](std::ostream& out, std::size_t v) {
    TextVertex vertex = graph[v];
    vertex.name.clear();
    Attributes fields = fields_of(vertex);
    fields.push_back({"index", vertex.index});
    out << field_text(fields);
  };
  const auto write_edge = [&](std::ostream& out, const TextGraph::edge_descriptor& edge) {
    out << field_text(fields_of(graph[edge]));
  };
  std::ostringstream out;
  boost::write_graphviz(out, graph, write_vertex, write_edge, boost::default_writer(),
                        boost::get(&TextVertex::name, graph));
  return std::move(out).str();
}

}  // namespace moesim::topologies
