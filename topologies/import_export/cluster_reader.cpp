// SPDX-License-Identifier: Apache-2.0
#include "topologies/import_export/cluster_reader.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/named_table.h"
#include "base/units.h"
#include "topologies/import_export/cluster_checks.h"

namespace moesim::topologies {
namespace {

constexpr std::size_t kMaxPlace = 16;  // coordinates

// One vertex's or link's attributes while they are read.
class AttributeList {
 public:
  AttributeList(const Attributes& attributes, std::string called, const base::Place& place)
      : attributes_(attributes), called_(std::move(called)), place_(place) {}

  [[noreturn]] void fail(const std::string& what, const std::string& hint) const {
    throw base::Error(place_.text(), called_ + ": " + what, hint);
  }

  void check_keys(const std::vector<std::string>& known) const {
    for (auto attribute = attributes_.begin(); attribute != attributes_.end(); ++attribute) {
      const std::string key = attribute->key.substr(0, 100);
      if (std::find(known.begin(), known.end(), attribute->key) == known.end()) {
        const std::string nearest = base::did_you_mean(key, known);
        fail("unknown key \"" + key + "\"", nearest.empty() ? "leave it out" : nearest);
      }
      const auto same = [&](const Attribute& other) { return other.key == attribute->key; };
      if (std::any_of(attributes_.begin(), attribute, same)) {
        fail("\"" + key + "\" is given twice", "keep one");
      }
    }
  }

  const std::string* find(std::string_view key) const {
    for (const Attribute& attribute : attributes_) {
      if (attribute.key == key) return attribute.value.empty() ? nullptr : &attribute.value;
    }
    return nullptr;
  }

  const std::string& need(const char* key, const char* hint) const {
    const std::string* value = find(key);
    if (value == nullptr) fail(std::string("\"") + key + "\" is missing", hint);
    return *value;
  }

  int number(std::string_view text, const char* key) const {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      fail(std::string("\"") + key + "\" must be an integer; found \"" +
               std::string(text.substr(0, 80)) + "\"",
           "write it as 3");
    }
    return value;
  }

  int number_or(const char* key, int otherwise) const {
    const std::string* text = find(key);
    return text == nullptr ? otherwise : number(*text, key);
  }

  template <class Enum>
  Enum one_of(const char* key) const {
    const base::EnumNames<Enum> names = names_of(Enum{});
    std::vector<std::string> texts;
    std::string list;
    for (const auto& [value, name] : names) {
      texts.push_back(name);
      list += (list.empty() ? "one of " : ", ") + name;
    }
    const std::string& given = need(key, list.c_str());
    for (const auto& [value, name] : names) {
      if (name == given) return value;
    }
    const std::string nearest = base::did_you_mean(given, texts);
    fail("\"" + given.substr(0, 80) + "\" is no " + key, nearest.empty() ? list : nearest);
  }

  template <class Quantity>
  Quantity quantity(const char* key, Quantity (*parse)(std::string_view), const char* hint) const {
    const std::string& text = need(key, hint);
    try {
      return parse(text.substr(0, 100));
    } catch (const base::Error& error) {
      fail(std::string("\"") + key + "\": " + error.message(), error.hint());
    }
  }

 private:
  const Attributes& attributes_;
  std::string called_;
  const base::Place& place_;
};

std::string called(const char* what, const std::string& name) {
  return std::string(what) + " \"" + name.substr(0, 80) + "\"";
}

std::vector<int> numbers(const AttributeList& list, std::string_view text) {
  std::vector<int> values;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find(' '), text.size());
    if (length > 0) values.push_back(list.number(text.substr(0, length), "place"));
    if (values.size() > kMaxPlace) {
      list.fail("a place has at most " + std::to_string(kMaxPlace) + " coordinates",
                "torus and HyperX {x, y, ...}");
    }
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return values;
}

std::string joined(const std::vector<int>& values) {
  std::string text;
  for (const int value : values) text += (text.empty() ? "" : " ") + std::to_string(value);
  return text;
}

bool truth(const AttributeList& list, const char* key) {
  const std::string* text = list.find(key);
  if (text == nullptr || *text == "false" || *text == "0") return false;
  if (*text != "true" && *text != "1") {
    list.fail(
        std::string("\"") + key + "\" must be true or false; found \"" + text->substr(0, 80) + "\"",
        "write true or false");
  }
  return true;
}

}  // namespace

base::EnumNames<VertexKind> names_of(VertexKind) {
  return {{VertexKind::accelerator, "accelerator"},
          {VertexKind::nic, "nic"},
          {VertexKind::pcie_switch, "pcie_switch"},
          {VertexKind::scale_up_switch, "scale_up_switch"},
          {VertexKind::fabric_switch, "fabric_switch"}};
}

base::EnumNames<LinkKind> names_of(LinkKind) {
  return {{LinkKind::scale_up, "scale_up"},
          {LinkKind::pcie, "pcie"},
          {LinkKind::nic, "nic"},
          {LinkKind::fabric, "fabric"}};
}

Attributes attributes_of(const Cluster& cluster, std::size_t vertex) {
  const Vertex& v = cluster.vertices[vertex];
  Attributes list = {{"name", v.name}, {"kind", base::name_in_words(v.kind)}};
  if (v.node != -1) list.push_back({"node", std::to_string(v.node)});
  if (v.rank != -1) list.push_back({"rank", std::to_string(v.rank)});
  if (v.tier != 0) list.push_back({"tier", std::to_string(v.tier)});
  if (!v.place.empty()) list.push_back({"place", joined(v.place)});
  const auto& reducers = cluster.reducers;
  if (std::binary_search(reducers.begin(), reducers.end(), static_cast<int>(vertex))) {
    list.push_back({"reducer", "true"});
  }
  return list;
}

Attributes attributes_of(const Link& link) {
  return {{"kind", base::name_in_words(link.kind)},
          {"bandwidth", base::to_text(link.bandwidth)},
          {"latency", base::to_text(link.latency)},
          {"name", link.name}};
}

ClusterReader::ClusterReader(std::string file)
    : file_(std::make_shared<const std::string>(std::move(file))) {}

base::Place ClusterReader::at(int line, int column) const { return {file_, line, column}; }

void ClusterReader::add_vertex(const Attributes& attributes, const base::Place& place) {
  if (cluster_.vertices.size() == kMaxVertices) {
    throw base::Error(place.text(), "more than " + std::to_string(kMaxVertices) + " vertices",
                      "describe a part of the cluster");
  }
  const AttributeList unnamed(attributes, "vertex " + std::to_string(cluster_.vertices.size()),
                              place);
  const std::string& name = unnamed.need("name", "each vertex has a name of its own");
  const AttributeList list(attributes, called("vertex", name), place);
  list.check_keys({"name", "kind", "node", "rank", "tier", "place", "reducer"});
  const int index = static_cast<int>(cluster_.vertices.size());
  if (!is_name(name)) list.fail("this cannot be a name", "use plain words, as node0/gpu3");
  if (!vertex_of_name_.emplace(name, index).second) {
    list.fail("the name is given twice", "each vertex has a name of its own");
  }
  Vertex vertex;
  vertex.name = name;
  vertex.kind = list.one_of<VertexKind>("kind");
  vertex.node = list.number_or("node", -1);
  vertex.rank = list.number_or("rank", -1);
  vertex.tier = list.number_or("tier", 0);
  if (const std::string* text = list.find("place")) vertex.place = numbers(list, *text);
  if (truth(list, "reducer")) cluster_.reducers.push_back(index);
  if (vertex.kind == VertexKind::accelerator) {
    cluster_.accelerators.push_back(index);
    has_ranks_ = has_ranks_ || vertex.rank != -1;
  }
  cluster_.vertices.push_back(std::move(vertex));
  vertex_places_.push_back(place);
}

int ClusterReader::vertex_of(const std::string& name, const char* end,
                             const base::Place& place) const {
  const auto found = vertex_of_name_.find(name);
  if (found != vertex_of_name_.end()) return found->second;
  throw base::Error(place.text(),
                    std::string("a link's \"") + end + "\" names \"" + name.substr(0, 80) +
                        "\", which is no vertex",
                    "give the name of a vertex as it stands in the list");
}

void ClusterReader::add_link(const std::string& from, const std::string& to,
                             const Attributes& attributes, const base::Place& place) {
  if (cluster_.links.size() == kMaxLinks) {
    throw base::Error(place.text(), "more than " + std::to_string(kMaxLinks) + " links",
                      "describe a part of the cluster");
  }
  const AttributeList list(attributes, called("link", from + "->" + to), place);
  list.check_keys({"kind", "bandwidth", "latency", "name"});
  Link link;
  link.from = vertex_of(from, "from", place);
  link.to = vertex_of(to, "to", place);
  link.kind = list.one_of<LinkKind>("kind");
  link.bandwidth = list.quantity("bandwidth", base::parse_bytes_per_second,
                                 "the rate of this direction, as \"50 GB/s\"");
  link.latency = list.quantity("latency", base::parse_seconds, "give it as \"1 us\"");
  const std::string* name = list.find("name");
  link.name = name == nullptr ? from + "->" + to : *name;
  cluster_.links.push_back(std::move(link));
  link_places_.push_back(place);
}

Cluster ClusterReader::finish() && {
  if (cluster_.accelerators.size() > kMaxAccelerators) {
    throw base::Error(*file_,
                      std::to_string(cluster_.accelerators.size()) +
                          " accelerators are more than " + std::to_string(kMaxAccelerators),
                      "describe a part of the cluster");
  }
  std::vector<int> in_order = cluster_.accelerators;
  for (std::size_t i = 0; i < in_order.size(); ++i) {
    Vertex& vertex = cluster_.vertices[in_order[i]];
    if (!has_ranks_) vertex.rank = static_cast<int>(i);
    // Ranks that do not fit are left for check_cluster to name.
    if (vertex.rank >= 0 && vertex.rank < cluster_.num_ranks()) {
      cluster_.accelerators[vertex.rank] = in_order[i];
    }
    cluster_.num_nodes =
        std::max(cluster_.num_nodes, std::min(vertex.node, cluster_.num_ranks()) + 1);
  }
  check_cluster(cluster_, {*file_, [this](std::size_t v) { return vertex_places_[v].text(); },
                           [this](std::size_t l) { return link_places_[l].text(); }});
  return std::move(cluster_);
}

}  // namespace moesim::topologies
