// SPDX-License-Identifier: Apache-2.0
// What a SimGrid platform file of one zone says, before it becomes a cluster.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "topologies/cluster.h"
#include "topologies/import_export/cluster_reader.h"

namespace moesim::topologies {

struct SimgridPoint {  // a host or a router
  std::string id;
  bool is_host = false;
  int line = 0;
};

struct SimgridLink {
  std::string id;
  std::string bandwidth;  // as base/units.h writes them: "5e10 B/s"
  std::string latency;
  bool split = false;     // SPLITDUPLEX: each direction has the bandwidth
  Attributes properties;  // kind, from, to of our own files
  int line = 0;
};

struct SimgridRoute {
  int source = 0;  // of SimgridPlatform::points
  int destination = 0;
  bool both_ways = true;
  std::vector<int> steps;  // 2 x link, + 1 where a split link is used downwards
  int line = 0;
};

struct SimgridPlatform {
  bool full = false;                  // routing Full: a route for every pair; else one per edge
  std::vector<std::string> vertices;  // the properties "vertex <index>" of our own files
  std::vector<SimgridPoint> points;
  std::vector<SimgridLink> links;
  std::vector<SimgridRoute> routes;  // empty where `vertices` are given
};

// Throws base::Error with `name` and the line.
SimgridPlatform read_simgrid_platform(std::string_view text, const std::string& name);

// The graph behind a foreign platform's routes: where one link of a route ends the next begins, so
// the ends that routes join are one place. Places of hosts and routers have their names, others
// become switches. Throws base::Error where no graph of one-way links fits, or where a route of a
// Full zone is longer than the shortest way, which moesim would take.
Cluster cluster_of_routes(const SimgridPlatform& platform, const std::string& name);

}  // namespace moesim::topologies
