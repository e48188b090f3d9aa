// SPDX-License-Identifier: Apache-2.0
// Switches that have nodes of their own and are joined to each other: what dragonfly, torus and
// HyperX share.
#pragma once

#include <string>
#include <vector>

#include "topologies/builders/node.h"
#include "topologies/cluster.h"
#include "topologies/cluster_config.h"

namespace moesim::topologies {

// Throws base::Error when nodes_per_router, link_bandwidth or switch_latency do not fit.
void check_routers(const ClusterConfig& config);

// The same, and that `dims` x nodes_per_router are the cluster's nodes; the hint names dims that
// would be.
void check_grid(const ClusterConfig& config);

// `number` as `count` factors as even as they can be, descending: 64, 3 -> {4, 4, 4}.
std::vector<int> even_factors(int number, int count);

// Routers at all places of a grid, coordinate 0 counting fastest.
class Grid {
 public:
  Grid(Cluster& cluster, const std::vector<int>& dims);

  const std::vector<int>& routers() const { return routers_; }
  int size() const { return static_cast<int>(routers_.size()); }
  // Of router `index`, along dimension `dim`.
  int coordinate(int index, int dim) const;
  // The router that differs from `index` in dimension `dim` alone.
  int neighbour(int index, int dim, int coordinate) const;

 private:
  std::vector<int> dims_;
  std::vector<int> stride_;
  std::vector<int> routers_;  // vertices
};

// The cable between two routers.
Cable router_cable(const ClusterConfig& config);

// Adds the nodes, nodes_per_router to each router in turn.
void add_nodes_at(Cluster& cluster, const ClusterConfig& config, const std::vector<int>& routers);

}  // namespace moesim::topologies
