// SPDX-License-Identifier: Apache-2.0
// Hops between accelerators, and how many ways are equally short.
#pragma once

#include <vector>

#include "topologies/cluster.h"

namespace moesim::topologies {

// From one vertex: the fewest links to each vertex, kUnreachable (graph.h) where no way leads, and
// the number of ways with so few links. Accelerators do not forward, as in hops_to().
struct HopCounts {
  std::vector<int> hops;     // [vertices]
  std::vector<double> ways;  // [vertices]; exact up to 2^53
};

// Counts from many vertices of one cluster, one after another.
class HopCounter {
 public:
  explicit HopCounter(const Cluster& cluster);

  // Breadth-first search; valid until the next call.
  const HopCounts& from(int vertex);

 private:
  std::vector<bool> forwards_;
  std::vector<int> first_;  // of vertex v the heads of its links: [first_[v], first_[v + 1])
  std::vector<int> heads_;
  std::vector<int> queue_;
  HopCounts counts_;
};

}  // namespace moesim::topologies
