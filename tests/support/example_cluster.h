// SPDX-License-Identifier: Apache-2.0
// Clusters and traffic of round numbers, so that tests can be worked out by hand.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "sim/collectives/collective.h"
#include "topologies/cluster_config.h"

namespace moesim::testing {

// Scale-up 400 GB/s and 2 us, NIC 50 GB/s and 4 us, PCIe 64 GB/s, 1 us for the spines, 4 nodes per
// leaf, no oversubscription. Routers: one node each, in one dimension or group, cables of the
// bandwidth of a node's NICs. Racks (nvl72): 2 nodes.
inline topologies::ClusterConfig example_config(topologies::Topology topology, int num_nodes,
                                                int accelerators_per_node) {
  topologies::ClusterConfig config;
  config.topology = topology;
  config.num_nodes = num_nodes;
  config.node.accelerators_per_node = accelerators_per_node;
  config.node.scale_up_bandwidth = base::BytesPerSecond(400e9);
  config.node.scale_up_latency = base::Seconds(2e-6);
  config.node.nic_bandwidth = base::BytesPerSecond(50e9);
  config.node.nic_latency = base::Seconds(4e-6);
  config.node.pcie_bandwidth = base::BytesPerSecond(64e9);
  config.fabric.switch_latency = base::Seconds(1e-6);
  config.fabric.nodes_per_leaf = 4;
  config.fabric.oversubscription = 1;
  config.fabric.dims = {num_nodes};
  config.fabric.groups = 1;
  config.fabric.routers_per_group = num_nodes;
  config.fabric.link_bandwidth = config.node.nic_bandwidth * accelerators_per_node;
  if (topology == topologies::Topology::nvl72) {
    config.node.scale_up_domain = 2 * accelerators_per_node;
  }
  return config;
}

// Accelerators on one switch, one cable of 1 GB/s each, with these latencies each way.
inline topologies::Cluster example_star(const std::vector<double>& latencies_s) {
  topologies::Cluster star;
  star.num_nodes = static_cast<int>(latencies_s.size());
  star.vertices.push_back({topologies::VertexKind::fabric_switch, "switch"});
  for (int rank = 0; rank < star.num_nodes; ++rank) {
    const int vertex = rank + 1;
    const std::string name = "gpu" + std::to_string(rank);
    star.vertices.push_back({topologies::VertexKind::accelerator, name, rank});
    star.accelerators.push_back(vertex);
    for (const auto& [from, to] : {std::pair(vertex, 0), std::pair(0, vertex)}) {
      star.links.push_back({from, to, topologies::LinkKind::fabric, base::BytesPerSecond(1e9),
                            base::Seconds(latencies_s[rank]),
                            star.vertices[from].name + "->" + star.vertices[to].name});
    }
  }
  return star;
}

inline sim::Collective collective_of(int num_ranks, std::vector<topologies::Transfer> transfers) {
  sim::Collective collective;
  collective.name = "example";
  for (int rank = 0; rank < num_ranks; ++rank) collective.ranks.push_back(rank);
  collective.transfers = std::move(transfers);
  return collective;
}

// Every rank of [0, num_ranks) sends about `mean_bytes` to every other, the k-th most popular
// destination getting Zipf's 1 / k of the most popular one, and each pair up to 50 % more or less.
inline sim::Collective skewed_all_to_all(int num_ranks, double mean_bytes, std::uint64_t seed) {
  base::Rng rng(seed, "skewed_all_to_all");
  std::vector<double> popularity;
  double sum = 0;
  for (int k = 1; k <= num_ranks; ++k) {
    popularity.push_back(1.0 / k);
    sum += popularity.back();
  }
  for (std::size_t i = popularity.size(); i > 1; --i) {
    std::swap(popularity[i - 1], popularity[rng.below(i)]);
  }
  std::vector<topologies::Transfer> transfers;
  for (int source = 0; source < num_ranks; ++source) {
    for (int destination = 0; destination < num_ranks; ++destination) {
      if (source == destination) continue;
      const double share = popularity[destination] / sum * num_ranks * (0.5 + rng.uniform());
      transfers.push_back({source, destination, base::Bytes(std::ceil(mean_bytes * share))});
    }
  }
  return collective_of(num_ranks, std::move(transfers));
}

}  // namespace moesim::testing
