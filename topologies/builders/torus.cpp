// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/torus.h"

#include "topologies/builders/routers.h"

namespace moesim::topologies {

void check_torus(const ClusterConfig& config) { check_grid(config); }

Cluster build_torus(const ClusterConfig& config) {
  Cluster cluster;
  const std::vector<int>& dims = config.fabric.dims;
  const Grid grid(cluster, dims);
  add_nodes_at(cluster, config, grid.routers());
  const Cable cable = router_cable(config);
  for (int index = 0; index < grid.size(); ++index) {
    for (int dim = 0; dim < static_cast<int>(dims.size()); ++dim) {
      const int size = dims[static_cast<std::size_t>(dim)];
      const int next = grid.coordinate(index, dim) + 1;
      const bool wraps = next == size;
      if (wraps && size < 3) continue;
      add_cable(cluster, grid.routers()[static_cast<std::size_t>(index)],
                grid.neighbour(index, dim, wraps ? 0 : next), cable);
    }
  }
  return cluster;
}

}  // namespace moesim::topologies
