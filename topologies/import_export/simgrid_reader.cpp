// SPDX-License-Identifier: Apache-2.0
// Reads a SimGrid platform of one zone (SimGrid 3.32's platform reference, DTD version 4.1).
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "topologies/import_export/cluster_checks.h"
#include "topologies/import_export/formats.h"
#include "topologies/import_export/simgrid_platform.h"
#include "topologies/import_export/xml_scan.h"

namespace moesim::topologies {
namespace {

constexpr const char* kZone =
    "one zone of routing Full, Floyd or Dijkstra with host, router, link and route is read";

// "12.5GBps" as "12.5 GB/s"; "10us" as "10 us". What is no number with a unit is left to the parser
// of quantities to refuse.
std::string spaced(const std::string& text, bool is_rate) {
  const std::size_t end = text.find_last_of("0123456789.") + 1;  // npos + 1 is 0
  std::string unit = text.substr(end);
  unit.erase(0, unit.find_first_not_of(' '));
  if (is_rate && unit.ends_with("ps")) unit.replace(unit.size() - 2, 2, "/s");
  if (!is_rate && unit == "m") unit = "min";
  return text.substr(0, end) + " " + unit;
}

class PlatformReader {
 public:
  explicit PlatformReader(const std::string& name) : name_(name) {}

  SimgridPlatform run(std::string_view text) {
    scan_xml(text, name_,
             {[this](const XmlElement& element) { begin(element); },
              [this](const std::string& element) { end(element); }});
    if (!has_zone_) throw base::Error(name_, "there is no <zone>", kZone);
    return std::move(platform_);
  }

 private:
  [[noreturn]] void fail(const XmlElement& element, const std::string& what,
                         const std::string& hint) const {
    throw base::Error(
        name_ + ":" + std::to_string(element.line) + ":" + std::to_string(element.column), what,
        hint);
  }

  const std::string& need(const XmlElement& element, const char* key) const {
    const std::string* value = element.find(key);
    if (value == nullptr || value->empty()) {
      fail(element, "<" + element.name + "> without \"" + key + "\"", "give it");
    }
    return *value;
  }

  void begin(const XmlElement& element) {
    struct Row {
      const char* name;
      const char* parent;
      void (PlatformReader::*read)(const XmlElement&);
    };
    static constexpr Row rows[] = {
        {"platform", "", &PlatformReader::platform}, {"zone", "platform", &PlatformReader::zone},
        {"AS", "platform", &PlatformReader::zone},   {"prop", nullptr, &PlatformReader::property},
        {"host", "zone", &PlatformReader::point},    {"router", "zone", &PlatformReader::point},
        {"link", "zone", &PlatformReader::link},     {"route", "zone", &PlatformReader::route},
        {"link_ctn", "route", &PlatformReader::step}};
    const auto row = std::find_if(std::begin(rows), std::end(rows),
                                  [&](const Row& known) { return element.name == known.name; });
    const std::string parent = open_.empty() ? "" : open_.back();
    if (row == std::end(rows) || (row->parent != nullptr && parent != row->parent)) {
      fail(element, "<" + element.name.substr(0, 80) + "> is not read here", kZone);
    }
    open_.push_back(element.name == "AS" ? "zone" : element.name);
    (this->*row->read)(element);
  }

  void end(const std::string&) { open_.pop_back(); }

  void platform(const XmlElement& element) {
    const std::string& version = need(element, "version");
    if (version != "4" && version != "4.1") {
      fail(element, "platform version \"" + version.substr(0, 20) + "\"",
           "version 4.1 is read; simgrid_update_xml brings older files up to it");
    }
  }

  void zone(const XmlElement& element) {
    if (has_zone_) fail(element, "a second zone", kZone);
    has_zone_ = true;
    const std::string& routing = need(element, "routing");
    platform_.full = routing == "Full";
    if (!platform_.full && routing != "Floyd" && routing != "Dijkstra" &&
        routing != "DijkstraCache") {
      fail(element, "routing \"" + routing.substr(0, 40) + "\" has its routes built in", kZone);
    }
  }

  void property(const XmlElement& element) {
    const std::string parent = open_.size() < 2 ? "" : open_[open_.size() - 2];
    const std::string& id = need(element, "id");
    if (parent == "link") platform_.links.back().properties.push_back({id, need(element, "value")});
    if (parent != "zone" || !id.starts_with("vertex ")) return;
    if (id != "vertex " + std::to_string(platform_.vertices.size())) {
      fail(element, "the property \"" + id.substr(0, 40) + "\" is out of order",
           "number them from 0 without a gap");
    }
    platform_.vertices.push_back(need(element, "value"));
  }

  void point(const XmlElement& element) {
    const std::string& id = need(element, "id");
    if (!point_of_.emplace(id, static_cast<int>(platform_.points.size())).second) {
      fail(element, "\"" + id.substr(0, 80) + "\" is given twice", "each has an id of its own");
    }
    if (platform_.points.size() == kMaxVertices) {
      fail(element, "more than " + std::to_string(kMaxVertices) + " hosts and routers",
           "describe a part of the cluster");
    }
    platform_.points.push_back({id, element.name == "host", element.line});
  }

  void link(const XmlElement& element) {
    SimgridLink link;
    link.id = need(element, "id");
    link.bandwidth = spaced(need(element, "bandwidth"), true);
    const std::string* latency = element.find("latency");
    link.latency = latency == nullptr ? "0 s" : spaced(*latency, false);  // SimGrid's default
    link.line = element.line;
    const std::string* policy = element.find("sharing_policy");
    link.split = policy != nullptr && *policy == "SPLITDUPLEX";
    if (policy != nullptr && !link.split && *policy != "SHARED") {
      fail(element, "sharing_policy \"" + policy->substr(0, 40) + "\"",
           "SHARED (one direction) and SPLITDUPLEX (both) are read");
    }
    if (!link_of_.emplace(link.id, static_cast<int>(platform_.links.size())).second) {
      fail(element, "the link \"" + link.id.substr(0, 80) + "\" is given twice",
           "each has an id of its own");
    }
    platform_.links.push_back(std::move(link));
  }

  int point_named(const XmlElement& element, const char* key) const {
    const std::string& id = need(element, key);
    const auto found = point_of_.find(id);
    if (found == point_of_.end()) {
      fail(element, "\"" + id.substr(0, 80) + "\" is no host or router above",
           "list hosts and routers before routes");
    }
    return found->second;
  }

  void route(const XmlElement& element) {
    if (!platform_.vertices.empty()) return;  // our own routes follow from the graph
    SimgridRoute route;
    route.source = point_named(element, "src");
    route.destination = point_named(element, "dst");
    route.line = element.line;
    const std::string* symmetrical = element.find("symmetrical");
    route.both_ways = symmetrical == nullptr || (*symmetrical != "NO" && *symmetrical != "no");
    if (route.source == route.destination) {
      fail(element, "a route from \"" + platform_.points[route.source].id + "\" to itself",
           "leave it out: what a rank sends to itself costs nothing here");
    }
    platform_.routes.push_back(std::move(route));
  }

  void step(const XmlElement& element) {
    const std::string& id = need(element, "id");
    const auto found = link_of_.find(id);
    if (found == link_of_.end()) {
      fail(element, "\"" + id.substr(0, 80) + "\" is no link above", "list links before routes");
    }
    if (!platform_.vertices.empty()) return;
    const SimgridLink& used = platform_.links[found->second];
    const std::string* direction = element.find("direction");
    const bool down = direction != nullptr && *direction == "DOWN";
    const bool up = direction != nullptr && *direction == "UP";
    if (used.split != (down || up)) {
      fail(element,
           "link \"" + id.substr(0, 80) + "\": a direction belongs to SPLITDUPLEX links alone",
           used.split ? "write direction=\"UP\" or \"DOWN\"" : "remove the direction");
    }
    if (platform_.routes.back().both_ways && !used.split) {
      fail(element,
           "link \"" + id.substr(0, 80) +
               "\" is shared by both directions, a cluster's links are one-way",
           "sharing_policy=\"SPLITDUPLEX\", or symmetrical=\"NO\" and a link for each direction");
    }
    platform_.routes.back().steps.push_back(2 * found->second + (down ? 1 : 0));
  }

  const std::string& name_;
  SimgridPlatform platform_;
  bool has_zone_ = false;
  std::vector<std::string> open_;
  std::unordered_map<std::string, int> point_of_;
  std::unordered_map<std::string, int> link_of_;
};

// "kind=nic node=0 place=0,3 name=node0/nic0" as attributes.
Attributes vertex_attributes(const std::string& text, const std::string& name) {
  Attributes attributes;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t equals = text.find('=', at);
    if (equals == std::string::npos) {
      throw base::Error(name, "a vertex's property reads \"" + text.substr(0, 80) + "\"",
                        "write it as kind=nic node=0 name=node0/nic0");
    }
    const std::string key = text.substr(at, equals - at);
    const std::size_t end = key == "name" ? text.size() : std::min(text.find(' ', at), text.size());
    std::string value = end > equals ? text.substr(equals + 1, end - equals - 1) : std::string();
    if (key == "place") std::replace(value.begin(), value.end(), ',', ' ');
    attributes.push_back({key, std::move(value)});
    at = std::max(end, equals) + 1;
  }
  return attributes;
}

std::string take(Attributes& attributes, const char* key) {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const Attribute& attribute) { return attribute.key == key; });
  if (found == attributes.end()) return {};
  std::string value = std::move(found->value);
  attributes.erase(found);
  return value;
}

Cluster cluster_of_properties(SimgridPlatform platform, const std::string& name) {
  ClusterReader reader(name);
  for (const std::string& vertex : platform.vertices) {
    reader.add_vertex(vertex_attributes(vertex, name), reader.at(0));
  }
  for (SimgridLink& link : platform.links) {
    const std::string from = take(link.properties, "from");
    const std::string to = take(link.properties, "to");
    Attributes attributes = std::move(link.properties);
    attributes.push_back({"name", link.id});
    attributes.push_back({"bandwidth", link.bandwidth});
    attributes.push_back({"latency", link.latency});
    reader.add_link(from, to, attributes, reader.at(link.line));
  }
  return std::move(reader).finish();
}

}  // namespace

SimgridPlatform read_simgrid_platform(std::string_view text, const std::string& name) {
  return PlatformReader(name).run(text);
}

Cluster cluster_from_simgrid(std::string_view text, const std::string& name) {
  SimgridPlatform platform = read_simgrid_platform(text, name);
  if (platform.vertices.empty()) return cluster_of_routes(platform, name);
  return cluster_of_properties(std::move(platform), name);
}

}  // namespace moesim::topologies
