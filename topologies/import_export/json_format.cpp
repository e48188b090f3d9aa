// SPDX-License-Identifier: Apache-2.0
// moesim's own graph file: one line a vertex and a link.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/json_value.h"
#include "topologies/import_export/cluster_reader.h"
#include "topologies/import_export/formats.h"

namespace moesim::topologies {
namespace {

using base::JsonValue;
using Kind = JsonValue::Kind;

constexpr int kVersion = 1;
// A value in memory takes about 150 bytes, however short its text.
constexpr std::ptrdiff_t kMaxValues = 12'000'000;

[[noreturn]] void fail(const base::Place& place, const std::string& pointer,
                       const std::string& what, const std::string& hint) {
  throw base::Error(base::where_of(place, pointer), what, hint);
}

void bound_values(std::string_view text, const std::string& name) {
  const auto begins_value = [](char c) { return c == ',' || c == '[' || c == '{'; };
  if (std::count_if(text.begin(), text.end(), begins_value) > kMaxValues) {
    throw base::Error(name, "more than " + std::to_string(kMaxValues) + " values",
                      "describe a part of the cluster");
  }
}

void check_head(const JsonValue& document) {
  if (document.kind != Kind::object) {
    fail(document.place, "", "a graph file is an object {...}", "see docs/file_formats.md");
  }
  const std::vector<std::string> known = {"format", "format_version", "vertices", "links"};
  for (const base::JsonMember& member : document.members) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    const std::string key = member.key.substr(0, 100);
    const std::string nearest = base::did_you_mean(key, known);
    fail(member.place, "/" + key, "unknown key \"" + key + "\"",
         nearest.empty() ? "a graph file has format, format_version, vertices, links" : nearest);
  }
  const JsonValue* format = document.find("format");
  const JsonValue* version = document.find("format_version");
  if (format == nullptr || format->kind != Kind::string || format->text != kJsonFormat) {
    fail(format == nullptr ? document.place : format->place, "/format",
         "this is no graph file of moesim",
         std::string("it says \"format\": \"") + kJsonFormat + "\"");
  }
  if (version == nullptr || version->kind != Kind::number || version->number != kVersion) {
    fail(version == nullptr ? document.place : version->place, "/format_version",
         "only version 1 can be read", "write \"format_version\": 1");
  }
}

const JsonValue& list_of(const JsonValue& document, const char* key) {
  const JsonValue* list = document.find(key);
  if (list == nullptr || list->kind != Kind::array) {
    fail(list == nullptr ? document.place : list->place, std::string("/") + key,
         std::string("\"") + key + "\" must be a list", "see docs/file_formats.md");
  }
  return *list;
}

std::string place_text(const JsonValue& value, const std::string& pointer) {
  if (value.kind != Kind::array) fail(value.place, pointer, "must be a list", "write [0, 3]");
  std::string text;
  for (const JsonValue& item : value.items) {
    if (!item.integral) fail(item.place, pointer, "must be integers", "write [0, 3]");
    text += (text.empty() ? "" : " ") + item.text;
  }
  return text;
}

// A member as text, once its type is what the key asks for.
std::string attribute_text(const base::JsonMember& member, const std::string& pointer) {
  const JsonValue& value = member.value;
  if (member.key == "place") return place_text(value, pointer);
  const bool is_number = member.key == "node" || member.key == "rank" || member.key == "tier";
  const bool is_truth = member.key == "reducer";
  if (is_number && !(value.kind == Kind::number && value.integral)) {
    fail(value.place, pointer, "must be an integer", "write it without quotes, as 3");
  }
  if (is_truth && value.kind != Kind::boolean) {
    fail(value.place, pointer, "must be true or false", "write it without quotes");
  }
  if (!is_number && !is_truth && value.kind != Kind::string) {
    fail(value.place, pointer, "must be a string", "put it in quotes, with its unit if it has one");
  }
  if (is_truth) return value.boolean ? "true" : "false";
  return value.text;
}

Attributes attributes_in(const JsonValue& value, const std::string& pointer) {
  if (value.kind != Kind::object) {
    fail(value.place, pointer, "must be an object {...}", "see docs/file_formats.md");
  }
  Attributes attributes;
  for (const base::JsonMember& member : value.members) {
    attributes.push_back({member.key, attribute_text(member, pointer + "/" + member.key)});
  }
  return attributes;
}

// Takes "from" or "to" out of the attributes.
std::string take_end(Attributes& attributes, const char* key, const base::Place& place,
                     const std::string& pointer) {
  for (auto attribute = attributes.begin(); attribute != attributes.end(); ++attribute) {
    if (attribute->key != key) continue;
    std::string name = std::move(attribute->value);
    attributes.erase(attribute);
    return name;
  }
  fail(place, pointer, std::string("missing key \"") + key + "\"", "the name of a vertex");
}

JsonValue json_of_attributes(const Attributes& attributes, const std::vector<int>& place) {
  JsonValue json = base::json_object();
  for (const Attribute& attribute : attributes) {
    const std::string& key = attribute.key;
    if (key == "place") {
      JsonValue list = base::json_array();
      for (const int coordinate : place) list.items.push_back(base::json_of(coordinate));
      base::add_member(json, key, std::move(list));
    } else if (key == "node" || key == "rank" || key == "tier") {
      base::add_member(json, key, base::json_of(std::stoi(attribute.value)));
    } else if (key == "reducer") {
      base::add_member(json, key, base::json_of(true));
    } else {
      base::add_member(json, key, base::json_of(attribute.value));
    }
  }
  return json;
}

std::string line_of(const JsonValue& json, bool is_last) {
  return "    " + base::to_text(json, base::JsonStyle::compact) + (is_last ? "\n" : ",\n");
}

}  // namespace

Cluster cluster_from_json(std::string_view text, const std::string& name) {
  bound_values(text, name);
  const JsonValue document = base::parse_json(text, name);
  check_head(document);
  ClusterReader reader(name);
  std::size_t index = 0;
  for (const JsonValue& value : list_of(document, "vertices").items) {
    reader.add_vertex(attributes_in(value, "/vertices/" + std::to_string(index++)), value.place);
  }
  index = 0;
  for (const JsonValue& value : list_of(document, "links").items) {
    const std::string pointer = "/links/" + std::to_string(index++);
    Attributes attributes = attributes_in(value, pointer);
    const std::string from = take_end(attributes, "from", value.place, pointer);
    const std::string to = take_end(attributes, "to", value.place, pointer);
    reader.add_link(from, to, attributes, value.place);
  }
  return std::move(reader).finish();
}

std::string to_json_text(const Cluster& cluster) {
  std::string text = std::string("{\n  \"format\": \"") + kJsonFormat +
                     "\",\n  \"format_version\": " + std::to_string(kVersion) +
                     ",\n  \"vertices\": [\n";
  for (std::size_t v = 0; v < cluster.vertices.size(); ++v) {
    text += line_of(json_of_attributes(attributes_of(cluster, v), cluster.vertices[v].place),
                    v + 1 == cluster.vertices.size());
  }
  text += "  ],\n  \"links\": [\n";
  for (std::size_t l = 0; l < cluster.links.size(); ++l) {
    const Link& link = cluster.links[l];
    const std::string& from = cluster.vertices[link.from].name;
    const std::string& to = cluster.vertices[link.to].name;
    Attributes attributes = {{"from", from}, {"to", to}};
    for (Attribute& attribute : attributes_of(link)) {
      if (attribute.key == "name" && attribute.value == from + "->" + to) continue;
      attributes.push_back(std::move(attribute));
    }
    text += line_of(json_of_attributes(attributes, {}), l + 1 == cluster.links.size());
  }
  return text + "  ]\n}\n";
}

}  // namespace moesim::topologies
