// SPDX-License-Identifier: Apache-2.0
// GraphML by Boost.Graph. Boost's reader sees only what a strict scan of the XML let pass, since it
// recurses by depth and names no lines.
#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphml.hpp>
#include <sstream>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/error.h"
#include "topologies/import_export/cluster_reader.h"
#include "topologies/import_export/formats.h"
#include "topologies/import_export/text_graph.h"
#include "topologies/import_export/xml_scan.h"

namespace moesim::topologies {
namespace {

// The lines of nodes and edges, in the document's order.
struct Lines {
  std::vector<int> nodes;
  std::vector<int> edges;
};

class GraphmlScan {
 public:
  explicit GraphmlScan(const std::string& name) : name_(name) {}

  Lines run(std::string_view text) {
    scan_xml(text, name_, {[this](const XmlElement& element) { begin(element); }, {}});
    if (graphs_ == 0) throw base::Error(name_, "there is no <graph>", "see docs/file_formats.md");
    return std::move(lines_);
  }

 private:
  [[noreturn]] void fail(const XmlElement& element, const std::string& what,
                         const std::string& hint) const {
    throw base::Error(name_ + ":" + std::to_string(element.line), what, hint);
  }

  void begin(const XmlElement& element) {
    static const std::vector<std::string> known = {"graphml", "key",  "default", "graph",
                                                   "node",    "edge", "data",    "desc"};
    if ((element.depth == 0) != (element.name == "graphml")) {
      fail(element, "the root must be <graphml>, and only it", "see docs/file_formats.md");
    }
    if (std::find(known.begin(), known.end(), element.name) == known.end()) {
      fail(element, "<" + element.name.substr(0, 80) + "> is not read",
           "a cluster is nodes and edges with data; leave it out");
    }
    if (element.name == "graph") check_graph(element);
    if (element.name == "node") check_node(element);
    if (element.name == "edge") check_edge(element);
  }

  void check_graph(const XmlElement& element) {
    if (++graphs_ > 1) fail(element, "a second <graph>", "keep one, without graphs in nodes");
    const std::string* direction = element.find("edgedefault");
    if (direction == nullptr || *direction != "directed") {
      fail(element, "the graph must be directed",
           "write edgedefault=\"directed\" and an edge for each direction of a cable");
    }
  }

  void check_node(const XmlElement& element) {
    const std::string* id = element.find("id");
    if (id == nullptr || !ids_.insert(*id).second) {
      fail(element,
           id == nullptr ? "a node without an id" : "the id \"" + *id + "\" is given twice",
           "give each node an id of its own");
    }
    lines_.nodes.push_back(element.line);
  }

  void check_edge(const XmlElement& element) {
    for (const char* end : {"source", "target"}) {
      const std::string* id = element.find(end);
      if (id == nullptr || ids_.count(*id) == 0) {
        fail(element,
             std::string("the edge's ") + end + " " + (id == nullptr ? "" : "\"" + *id + "\" ") +
                 "is no node above it",
             "list the nodes first and name their ids");
      }
    }
    if (const std::string* directed = element.find("directed"); directed && *directed != "true") {
      fail(element, "an undirected edge", "write an edge for each direction of a cable");
    }
    lines_.edges.push_back(element.line);
  }

  const std::string& name_;
  Lines lines_;
  std::unordered_set<std::string> ids_;
  int graphs_ = 0;
};

struct GraphmlEdge {
  std::size_t source = 0;
  std::size_t target = 0;
  Attributes attributes;
};

// What Boost's reader finds, as texts.
class Collector : public boost::mutate_graph {
 public:
  std::vector<Attributes> vertices;
  std::vector<GraphmlEdge> edges;

  bool is_directed() const override { return true; }

  boost::any do_add_vertex() override {
    vertices.emplace_back();
    return vertices.size() - 1;
  }

  std::pair<boost::any, bool> do_add_edge(boost::any source, boost::any target) override {
    edges.push_back(
        {boost::any_cast<std::size_t>(source), boost::any_cast<std::size_t>(target), {}});
    return {edges.size() - 1, true};
  }

  void set_graph_property(const std::string& name, const std::string&,
                          const std::string&) override {
    throw base::Error("", "unknown key \"" + name.substr(0, 80) + "\" of the graph",
                      "leave it out");
  }

  void set_vertex_property(const std::string& name, boost::any vertex, const std::string& value,
                           const std::string&) override {
    vertices[boost::any_cast<std::size_t>(vertex)].push_back({name, value});
  }

  void set_edge_property(const std::string& name, boost::any edge, const std::string& value,
                         const std::string&) override {
    edges[boost::any_cast<std::size_t>(edge)].attributes.push_back({name, value});
  }
};

Collector collect(std::string_view text, const std::string& name) {
  Collector collector;
  std::istringstream stream{std::string(text)};
  try {
    boost::read_graphml(stream, collector, 0);
  } catch (const base::Error& error) {
    throw base::Error(name, error.message(), error.hint());
  } catch (const std::exception& error) {
    throw base::Error(name, std::string("this is no GraphML: ") + error.what(),
                      "see docs/file_formats.md");
  }
  return collector;
}

}  // namespace

Cluster cluster_from_graphml(std::string_view text, const std::string& name) {
  const Lines lines = GraphmlScan(name).run(text);
  const Collector found = collect(text, name);
  const auto line_of = [](const std::vector<int>& of, std::size_t i, std::size_t count) {
    return of.size() == count ? of[i] : 0;
  };
  ClusterReader reader(name);
  std::vector<std::string> names;
  for (std::size_t v = 0; v < found.vertices.size(); ++v) {
    const int line = line_of(lines.nodes, v, found.vertices.size());
    reader.add_vertex(found.vertices[v], reader.at(line));
    names.push_back(reader.name_of(v));
  }
  for (std::size_t e = 0; e < found.edges.size(); ++e) {
    const GraphmlEdge& edge = found.edges[e];
    reader.add_link(names[edge.source], names[edge.target], edge.attributes,
                    reader.at(line_of(lines.edges, e, found.edges.size())));
  }
  return std::move(reader).finish();
}

std::string to_graphml_text(const Cluster& cluster) {
  TextGraph graph = make_text_graph(cluster);
  boost::dynamic_properties properties;
  describe_text_graph(graph, properties);
  std::ostringstream out;
  boost::write_graphml(out, graph, properties, true);
  return std::move(out).str();
}

}  // namespace moesim::topologies
