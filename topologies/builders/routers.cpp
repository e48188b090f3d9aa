// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/routers.h"

#include <algorithm>
#include <cmath>

#include "topologies/config_checks.h"

namespace moesim::topologies {
namespace {

constexpr std::size_t kMostDims = 6;
constexpr int kMostRouters = 65536;

std::string list_of(const std::vector<int>& numbers) {
  std::string text = "[";
  for (const int number : numbers) text += (text.size() > 1 ? ", " : "") + std::to_string(number);
  return text + "]";
}

}  // namespace

void check_routers(const ClusterConfig& config) {
  const Fabric& fabric = config.fabric;
  require(fabric.nodes_per_router >= 1, "/cluster/fabric/nodes_per_router",
          "a router has at least 1 node", "set it to 1");
  require_bandwidth(fabric.link_bandwidth, "/cluster/fabric/link_bandwidth");
  require_latency(fabric.switch_latency, "/cluster/fabric/switch_latency");
}

void check_grid(const ClusterConfig& config) {
  check_routers(config);
  const Fabric& fabric = config.fabric;
  const std::size_t count = fabric.dims.size();
  require(count >= 1 && count <= kMostDims, "/cluster/fabric/dims",
          std::to_string(count) + " dimensions",
          "give 1 to " + std::to_string(kMostDims) + " sizes, as [4, 4, 4]");
  const std::int64_t routers = bounded_product(fabric.dims, kMostRouters);
  require(routers >= 1 && routers <= kMostRouters, "/cluster/fabric/dims",
          list_of(fabric.dims) + " routers",
          "every size is at least 1, and their product at most " + std::to_string(kMostRouters));
  const std::int64_t places = routers * fabric.nodes_per_router;
  const int nodes = count_nodes(config);
  std::string hint = "use " + std::to_string(places) + " nodes";
  if (nodes % fabric.nodes_per_router == 0) {
    hint += ", or dims " +
            list_of(even_factors(nodes / fabric.nodes_per_router, static_cast<int>(count)));
  }
  require(places == nodes, "/cluster/fabric/dims",
          list_of(fabric.dims) + " routers of " + std::to_string(fabric.nodes_per_router) +
              " are places for " + std::to_string(places) + " nodes, not " + std::to_string(nodes),
          hint);
}

// Takes for each factor the smallest divisor at or above the remaining number's root.
std::vector<int> even_factors(int number, int count) {
  std::vector<int> factors;
  for (int left = count; left > 0; --left) {
    int factor = number;
    for (int divisor = number; divisor >= 1; --divisor) {
      if (number % divisor != 0) continue;
      if (std::pow(divisor, left) < number - 0.5) break;
      factor = divisor;
    }
    factors.push_back(factor);
    number /= factor;
  }
  std::sort(factors.rbegin(), factors.rend());
  return factors;
}

Grid::Grid(Cluster& cluster, const std::vector<int>& dims) : dims_(dims) {
  int size = 1;
  for (const int dim : dims_) {
    stride_.push_back(size);
    size *= dim;
  }
  for (int index = 0; index < size; ++index) {
    std::vector<int> place;
    std::string name = "router";
    for (std::size_t dim = 0; dim < dims_.size(); ++dim) {
      place.push_back(coordinate(index, static_cast<int>(dim)));
      name += (dim == 0 ? "" : ".") + std::to_string(place.back());
    }
    routers_.push_back(add_fabric_switch(cluster, std::move(name), 1, std::move(place)));
  }
}

int Grid::coordinate(int index, int dim) const {
  return index / stride_[static_cast<std::size_t>(dim)] % dims_[static_cast<std::size_t>(dim)];
}

int Grid::neighbour(int index, int dim, int coordinate) const {
  const int steps = coordinate - this->coordinate(index, dim);
  return routers_[static_cast<std::size_t>(index + steps * stride_[static_cast<std::size_t>(dim)])];
}

Cable router_cable(const ClusterConfig& config) {
  return {LinkKind::fabric, config.fabric.link_bandwidth, config.fabric.switch_latency / 2};
}

void add_nodes_at(Cluster& cluster, const ClusterConfig& config, const std::vector<int>& routers) {
  add_nodes(cluster, config, [&](const PlacedNode& node) {
    const auto router = static_cast<std::size_t>(node.index / config.fabric.nodes_per_router);
    for (const int nic : node.nics) add_nic_cable(cluster, nic, routers[router], node.node);
  });
}

}  // namespace moesim::topologies
