// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "topologies/graph.h"
#include "topologies/import_export/simgrid_platform.h"

namespace moesim::topologies {
namespace {

// Union-find over the platform's points and the ends of its one-way links.
class Places {
 public:
  explicit Places(const SimgridPlatform& platform)
      : num_points_(static_cast<int>(platform.points.size())),
        parent_(platform.points.size() + 4 * platform.links.size()),
        used_(2 * platform.links.size()) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  int tail(int step) const { return num_points_ + 2 * step; }
  int head(int step) const { return num_points_ + 2 * step + 1; }
  bool is_used(int step) const { return used_[static_cast<std::size_t>(step)]; }

  int find(int end) {
    while (parent_[end] != end) end = parent_[end] = parent_[parent_[end]];
    return end;
  }

  // The smaller becomes the representative: points come before the ends of links.
  void join(int a, int b) {
    a = find(a);
    b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

  void join_route(int source, int destination, const std::vector<int>& steps) {
    int here = source;
    for (const int step : steps) {
      join(here, tail(step));
      here = head(step);
      used_[static_cast<std::size_t>(step)] = true;
    }
    join(here, destination);
  }

 private:
  int num_points_;
  std::vector<int> parent_;
  std::vector<bool> used_;
};

std::vector<int> reversed(const std::vector<int>& steps) {
  std::vector<int> back(steps.rbegin(), steps.rend());
  for (int& step : back) step ^= 1;  // the other direction of a split link
  return back;
}

std::string line_of(const std::string& name, int line) { return name + ":" + std::to_string(line); }

void join_routes(const SimgridPlatform& platform, const std::string& name, Places& places) {
  for (const SimgridRoute& route : platform.routes) {
    if (route.steps.empty()) {
      throw base::Error(line_of(name, route.line), "a route without links",
                        "name its links by <link_ctn id=\"...\"/>");
    }
    places.join_route(route.source, route.destination, route.steps);
    if (route.both_ways) {
      places.join_route(route.destination, route.source, reversed(route.steps));
    }
  }
}

void check_points_apart(const SimgridPlatform& platform, const std::string& name, Places& places) {
  for (std::size_t p = 0; p < platform.points.size(); ++p) {
    const int place = places.find(static_cast<int>(p));
    if (place == static_cast<int>(p)) continue;
    throw base::Error(line_of(name, platform.points[p].line),
                      "the routes put \"" + platform.points[place].id + "\" and \"" +
                          platform.points[p].id + "\" at one place",
                      "a link has one tail and one head: give each cable and direction its own");
  }
}

// Names the place's vertex, adding a switch where it is new.
class Vertices {
 public:
  Vertices(const SimgridPlatform& platform, ClusterReader& reader) : reader_(reader) {
    int ranks = 0;
    for (const SimgridPoint& point : platform.points) {
      Attributes attributes = {{"name", point.id},
                               {"kind", point.is_host ? "accelerator" : "fabric_switch"}};
      if (point.is_host) attributes.push_back({"node", std::to_string(ranks)});
      if (point.is_host) attributes.push_back({"rank", std::to_string(ranks++)});
      reader_.add_vertex(attributes, reader_.at(point.line));
      names_.emplace(static_cast<int>(names_.size()), point.id);
    }
  }

  const std::string& at(int place) {
    const auto [name, is_new] = names_.emplace(place, "junction" + std::to_string(junctions_));
    if (is_new) {
      ++junctions_;
      reader_.add_vertex({{"name", name->second}, {"kind", "fabric_switch"}}, reader_.at(0));
    }
    return name->second;
  }

 private:
  ClusterReader& reader_;
  std::map<int, std::string> names_;
  int junctions_ = 0;
};

// A Full zone's routes are what its author wants; moesim takes shortest ways.
void check_shortest(const SimgridPlatform& platform, const std::string& name,
                    const Cluster& cluster) {
  const Graph graph = make_graph(cluster);
  std::vector<std::vector<const SimgridRoute*>> by_destination(platform.points.size());
  for (const SimgridRoute& route : platform.routes) {
    by_destination[route.destination].push_back(&route);
  }
  for (std::size_t p = 0; p < platform.points.size(); ++p) {
    if (by_destination[p].empty()) continue;
    const std::vector<int> hops = hops_to(graph, static_cast<int>(p));
    for (const SimgridRoute* route : by_destination[p]) {
      if (hops[route->source] == static_cast<int>(route->steps.size())) continue;
      throw base::Error(line_of(name, route->line),
                        "the route takes " + std::to_string(route->steps.size()) +
                            " links, the shortest way " + std::to_string(hops[route->source]),
                        "moesim takes shortest ways: lengthen the others or drop the detour");
    }
  }
}

}  // namespace

Cluster cluster_of_routes(const SimgridPlatform& platform, const std::string& name) {
  Places places(platform);
  join_routes(platform, name, places);
  check_points_apart(platform, name, places);
  ClusterReader reader(name);
  Vertices vertices(platform, reader);
  for (int step = 0; step < 2 * static_cast<int>(platform.links.size()); ++step) {
    if (!places.is_used(step)) continue;
    const SimgridLink& link = platform.links[static_cast<std::size_t>(step / 2)];
    const std::string from = vertices.at(places.find(places.tail(step)));
    const std::string to = vertices.at(places.find(places.head(step)));
    const char* direction = step % 2 == 0 ? ":up" : ":down";
    reader.add_link(from, to,
                    {{"kind", "fabric"},
                     {"bandwidth", link.bandwidth},
                     {"latency", link.latency},
                     {"name", link.id + (link.split ? direction : "")}},
                    reader.at(link.line));
  }
  Cluster cluster = std::move(reader).finish();
  if (platform.full) check_shortest(platform, name, cluster);
  return cluster;
}

}  // namespace moesim::topologies
