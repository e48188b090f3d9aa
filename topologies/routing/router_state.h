// SPDX-License-Identifier: Apache-2.0
// What a Router owns.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "topologies/routing.h"
#include "topologies/routing/pair_store.h"
#include "topologies/routing/spread.h"
#include "topologies/routing/walker.h"

namespace moesim::topologies {

struct Router::State {
  State(Cluster c, const RoutingOptions& o, std::vector<char> links_up);

  void check_pair(int source, int destination) const;
  [[noreturn]] void fail(int source, int destination) const;

  // Leaves the links of one way in `links`; throws base::Error where there is none.
  void walk(int source, int destination);
  // Leaves the ways of a pair that are no walk() in `ways`, by way of a forwarder if there is one.
  void spray(int source, int destination);
  // All ways of a pair in `paths`, whose links are those of `links` or `ways`.
  void find_paths(int source, int destination);
  base::Seconds sprayed_latency(int source, int destination);
  void make_walker();

  Cluster cluster;
  RoutingOptions options;
  std::vector<char> up;                  // [links]
  std::vector<base::Seconds> latencies;  // [links]
  std::unique_ptr<Walker> walker;
  std::optional<GreatestLatency> greatest;  // made when needed

  PairStore<int> kept_routes;
  PairStore<Path> kept_paths;
  // Scratch.
  std::vector<int> links;
  std::vector<Way> ways;
  std::vector<Path> paths;
};

}  // namespace moesim::topologies
