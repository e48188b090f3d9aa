// SPDX-License-Identifier: Apache-2.0
#include "tests/oracles/network/traffic.h"

#include <cmath>
#include <utility>

#include "base/rng.h"
#include "tests/support/example_cluster.h"
#include "tests/support/skewed_traffic.h"

namespace moesim::testing {
namespace {

using topologies::LinkKind;
using topologies::VertexKind;

// How much hotter w2's rank is than the others.
constexpr double kHotFactor = 8;

class RandomCluster {
 public:
  explicit RandomCluster(std::uint64_t seed) : rng_(seed, "random_cluster") {}

  topologies::Cluster build() {
    const int num_switches = 1 + static_cast<int>(rng_.below(6));
    std::vector<int> switches;
    for (int s = 0; s < num_switches; ++s) {
      const int made = add_vertex({VertexKind::fabric_switch, "switch" + std::to_string(s)});
      if (s > 0) add_cable(made, switches[rng_.below(switches.size())], LinkKind::fabric);
      switches.push_back(made);
    }
    for (std::uint64_t more = rng_.below(switches.size() + 1); more > 0; --more) {
      const int a = switches[rng_.below(switches.size())];
      const int b = switches[rng_.below(switches.size())];
      if (a != b) add_cable(a, b, LinkKind::fabric);
    }
    const int num_nodes = 2 + static_cast<int>(rng_.below(4));
    for (int node = 0; node < num_nodes; ++node) add_node(node, switches);
    return std::move(cluster_);
  }

 private:
  int add_vertex(topologies::Vertex vertex) {
    cluster_.vertices.push_back(std::move(vertex));
    return static_cast<int>(cluster_.vertices.size()) - 1;
  }

  void add_cable(int a, int b, LinkKind kind) {
    for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
      const double bandwidth = std::pow(10.0, 9 + 2 * rng_.uniform());
      const double latency = 3e-6 * rng_.uniform();
      cluster_.links.push_back({from, to, kind, base::BytesPerSecond(bandwidth),
                                base::Seconds(latency),
                                "link" + std::to_string(cluster_.links.size())});
    }
  }

  void add_node(int node, const std::vector<int>& switches) {
    ++cluster_.num_nodes;
    const std::string prefix = "node" + std::to_string(node) + "/";
    const int scale_up = add_vertex({VertexKind::scale_up_switch, prefix + "nvswitch", node});
    std::vector<int> nics;
    for (std::uint64_t i = 0; i < 1 + rng_.below(2); ++i) {
      nics.push_back(add_vertex({VertexKind::nic, prefix + "nic" + std::to_string(i), node}));
      add_cable(nics.back(), switches[rng_.below(switches.size())], LinkKind::nic);
    }
    const std::uint64_t num_accelerators = 1 + rng_.below(4);
    for (std::uint64_t i = 0; i < num_accelerators; ++i) {
      const std::string name = prefix + "gpu" + std::to_string(i);
      const int gpu = add_vertex({VertexKind::accelerator, name, node, cluster_.num_ranks()});
      cluster_.accelerators.push_back(gpu);
      add_cable(gpu, scale_up, LinkKind::scale_up);
      add_cable(gpu, nics[rng_.below(nics.size())], LinkKind::pcie);
    }
  }

  base::Rng rng_;
  topologies::Cluster cluster_;
};

}  // namespace

std::string name_of(Traffic traffic) {
  switch (traffic) {
    case Traffic::uniform:
      return "uniform";
    case Traffic::zipf:
      return "zipf";
    case Traffic::w2:
      return "w2";
  }
  return "";
}

sim::Collective all_to_all_of(Traffic traffic, int num_ranks, double mean_bytes,
                              std::uint64_t seed) {
  if (traffic == Traffic::zipf) return skewed_all_to_all(num_ranks, mean_bytes, seed);
  if (traffic == Traffic::w2) return hot_rank_all_to_all(num_ranks, mean_bytes, kHotFactor, seed);
  std::vector<topologies::Transfer> transfers;
  for (int source = 0; source < num_ranks; ++source) {
    for (int destination = 0; destination < num_ranks; ++destination) {
      if (source != destination) {
        transfers.push_back({source, destination, base::Bytes(mean_bytes)});
      }
    }
  }
  return collective_of(num_ranks, std::move(transfers));
}

sim::Collective random_messages(int num_ranks, double density, double mean_bytes,
                                std::uint64_t seed) {
  base::Rng rng(seed, "random_messages");
  std::vector<topologies::Transfer> transfers;
  for (int source = 0; source < num_ranks; ++source) {
    for (int destination = 0; destination < num_ranks; ++destination) {
      if (source == destination || rng.uniform() >= density) continue;
      const double bytes = std::ceil(2 * mean_bytes * (1 - rng.uniform()));
      transfers.push_back({source, destination, base::Bytes(bytes)});
    }
  }
  return collective_of(num_ranks, std::move(transfers));
}

topologies::Cluster random_cluster(std::uint64_t seed) { return RandomCluster(seed).build(); }

}  // namespace moesim::testing
