// SPDX-License-Identifier: Apache-2.0
// What a Router owns.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "topologies/routing.h"
#include "topologies/routing/route_store.h"
#include "topologies/routing/spread.h"
#include "topologies/routing/walker.h"

namespace moesim::topologies {

struct Router::State {
  State(Cluster c, const RoutingOptions& o);

  void check_pair(int source, int destination) const;
  [[noreturn]] void fail(int source, int destination) const;

  // Leaves the links of one way in `links`; throws base::Error where there is none.
  void walk(int source, int destination);
  // Adds the sprayed ways of a pair, by way of a forwarder if there is one, to `kept_ways`.
  std::span<const Path> spray(int source, int destination);
  base::Seconds sprayed_latency(int source, int destination);
  void make_walker();

  Cluster cluster;
  RoutingOptions options;
  std::vector<char> up;                  // [links]
  std::vector<base::Seconds> latencies;  // [links]
  std::unique_ptr<Walker> walker;
  std::optional<GreatestLatency> greatest;  // made when needed

  RouteStore routes;
  std::unordered_map<std::uint64_t, std::span<const Path>> paths;  // looked up, never listed
  std::deque<std::vector<Path>> kept_paths;
  std::vector<int> links;  // scratch
};

}  // namespace moesim::topologies
