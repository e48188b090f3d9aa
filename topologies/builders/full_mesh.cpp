// SPDX-License-Identifier: Apache-2.0
#include "topologies/builders/full_mesh.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "topologies/builders/node.h"
#include "topologies/config_checks.h"

namespace moesim::topologies {
namespace {

constexpr std::int64_t kMostNics = 1024;

std::int64_t count_all_nics(const ClusterConfig& config) {
  std::int64_t nics = 0;
  for (const NodeRun& run : runs_of(config)) {
    nics += std::int64_t{run.num_nodes} * count_nics(*run.node);
  }
  return nics;
}

struct MeshedNic {
  int vertex = 0;
  int node = 0;
  bool joins_its_node = false;
  base::BytesPerSecond share;  // of its bandwidth, for one peer
  base::Seconds latency;       // of this end
};

Cable cable_between(const MeshedNic& a, const MeshedNic& b) {
  return {LinkKind::nic, std::min(a.share, b.share), a.latency + b.latency};
}

}  // namespace

void check_full_mesh(const ClusterConfig& config) {
  const std::int64_t nics = count_all_nics(config);
  require(nics <= kMostNics, "/cluster/topology",
          "a full mesh of " + std::to_string(nics) + " NICs",
          "at most " + std::to_string(kMostNics) +
              " fit; hyperx of one dimension joins nodes by one router each");
}

Cluster build_full_mesh(const ClusterConfig& config) {
  const std::int64_t all_nics = count_all_nics(config);
  Cluster cluster;
  std::vector<MeshedNic> nics;
  add_nodes(cluster, config, [&](const PlacedNode& placed) {
    const bool inside = placed.node.scale_up == ScaleUp::none;
    const std::int64_t peers = all_nics - (inside ? 1 : count_nics(placed.node));
    for (const int nic : placed.nics) {
      nics.push_back(
          {nic, placed.index, inside,
           placed.node.nic_bandwidth / static_cast<double>(std::max<std::int64_t>(peers, 1)),
           placed.node.nic_latency / 4});
    }
  });
  for (std::size_t a = 0; a < nics.size(); ++a) {
    for (std::size_t b = a + 1; b < nics.size(); ++b) {
      if (nics[a].node == nics[b].node && !nics[a].joins_its_node) continue;
      add_cable(cluster, nics[a].vertex, nics[b].vertex, cable_between(nics[a], nics[b]));
    }
  }
  return cluster;
}

}  // namespace moesim::topologies
