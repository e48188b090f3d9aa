// SPDX-License-Identifier: Apache-2.0
// Routes between ranks: shortest paths by hops, equal-cost ones told apart by a deterministic hash
// (ECMP), never through another accelerator. And what a traffic matrix puts on each link.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/units.h"
#include "topologies/cluster.h"

namespace moesim::topologies {

// One message, between ranks of the cluster.
struct Transfer {
  int source = 0;
  int destination = 0;
  base::Bytes bytes;

  bool operator==(const Transfer&) const = default;
};

// Finds and remembers routes. Not thread-safe.
class Router {
 public:
  // `seed` enters the ECMP hash, as switches' hash seeds do.
  explicit Router(const Cluster& cluster, std::uint64_t seed = 0);
  ~Router();

  // Link indices from source to destination, empty when they are the same rank. Hash-ECMP: at each
  // vertex the next hop is chosen among the shortest ones by hash(seed, source, destination,
  // vertex). The span stays valid for the Router's life. Throws base::Error when there is no route.
  std::span<const int> route(int source, int destination);

  // Sum of the route's link latencies.
  base::Seconds latency(int source, int destination);

  const Cluster& cluster() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct LinkLoad {
  int link = 0;
  base::Bytes bytes;
};

// Bytes on every link that carries any, in link order. Sums over transfers in their order.
std::vector<LinkLoad> link_loads(Router& router, std::span<const Transfer> transfers);

}  // namespace moesim::topologies
