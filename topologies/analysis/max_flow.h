// SPDX-License-Identifier: Apache-2.0
// The most that can flow from some accelerators of a cluster to others (maximum flow, which equals
// the least cut: Ford and Fulkerson 1956), by Boykov and Kolmogorov's algorithm (2004) in
// Boost.Graph.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/units.h"
#include "topologies/cluster.h"

namespace moesim::topologies {

class MaxFlow {
 public:
  explicit MaxFlow(const Cluster& cluster);
  ~MaxFlow();

  // The bandwidth from all of `sources` together to all of `sinks` (ranks; disjoint, not empty),
  // counted in whole bytes per second a link. Other accelerators forward nothing.
  base::BytesPerSecond bandwidth(std::span<const int> sources, std::span<const int> sinks);

  // The number of ways from one rank to another of which no two share a link.
  std::int64_t disjoint_ways(int source, int sink);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moesim::topologies
