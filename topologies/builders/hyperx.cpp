// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/hyperx.h"

#include "topologies/builders/routers.h"

namespace moesim::topologies {

void check_hyperx(const ClusterConfig& config) { check_grid(config); }

Cluster build_hyperx(const ClusterConfig& config) {
  Cluster cluster;
  const std::vector<int>& dims = config.fabric.dims;
  const Grid grid(cluster, dims);
  add_nodes_at(cluster, config, grid.routers());
  const Cable cable = router_cable(config);
  for (int index = 0; index < grid.size(); ++index) {
    for (int dim = 0; dim < static_cast<int>(dims.size()); ++dim) {
      for (int other = grid.coordinate(index, dim) + 1; other < dims[static_cast<std::size_t>(dim)];
           ++other) {
        add_cable(cluster, grid.routers()[static_cast<std::size_t>(index)],
                  grid.neighbour(index, dim, other), cable);
      }
    }
  }
  return cluster;
}

}  // namespace moesim::topologies
