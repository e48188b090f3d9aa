// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/all_reduce.h"

#include <algorithm>
#include <array>
#include <map>

#include "base/named_table.h"

namespace moesim::sim {
namespace {

using base::Bytes;
using base::Seconds;

// Adds a ring's messages; returns the largest latency of a step.
Seconds add_ring(topologies::Router& router, const std::vector<int>& ranks, Bytes buffer,
                 std::vector<topologies::Transfer>& transfers) {
  const auto n = static_cast<int>(ranks.size());
  if (n < 2) return Seconds(0);
  Seconds slowest;
  for (int i = 0; i < n; ++i) {
    const int next = ranks[(i + 1) % n];
    transfers.push_back({ranks[i], next, buffer * (2.0 * (n - 1) / n)});
    slowest = std::max(slowest, router.latency(ranks[i], next));
  }
  return slowest;
}

// Every step but the first waits one more latency; the network charges the first.
Seconds steps_after_first(int ring_size, Seconds step) {
  return ring_size < 2 ? Seconds(0) : step * (2.0 * (ring_size - 1) - 1.0);
}

Collective ring(topologies::Router& router, const std::vector<int>& ranks, Bytes bytes) {
  Collective collective;
  const Seconds step = add_ring(router, ranks, bytes, collective.transfers);
  collective.protocol_latency = steps_after_first(static_cast<int>(ranks.size()), step);
  return collective;
}

// [node][position] -> rank; empty when the nodes hold different numbers of the group's ranks.
std::vector<std::vector<int>> ranks_by_node(const topologies::Cluster& cluster,
                                            const std::vector<int>& ranks) {
  std::map<int, std::vector<int>> nodes;
  for (const int rank : ranks) nodes[cluster.node_of_rank(rank)].push_back(rank);
  std::vector<std::vector<int>> rows;
  for (const auto& [node, members] : nodes) {
    if (!rows.empty() && members.size() != rows.front().size()) return {};
    rows.push_back(members);
  }
  return rows;
}

Collective hierarchical(topologies::Router& router, const std::vector<int>& ranks, Bytes bytes) {
  const auto nodes = ranks_by_node(router.cluster(), ranks);
  if (nodes.size() < 2 && !nodes.empty() && nodes[0].size() < 2) return {};
  if (nodes.empty()) return ring(router, ranks, bytes);
  const std::size_t local = nodes[0].size();
  Collective collective;
  Seconds local_step;
  for (const std::vector<int>& members : nodes) {
    for (const int from : members) {
      for (const int to : members) {
        if (from == to) continue;
        // Its shard of everyone's buffer out (reduce-scatter), everyone's shard out (all-gather).
        collective.transfers.push_back({from, to, bytes * (2.0 / static_cast<double>(local))});
        local_step = std::max(local_step, router.latency(from, to));
      }
    }
  }
  Seconds ring_step;
  for (std::size_t rail = 0; rail < local; ++rail) {
    std::vector<int> peers;
    for (const std::vector<int>& members : nodes) peers.push_back(members[rail]);
    const Bytes shard = bytes / static_cast<double>(local);
    ring_step = std::max(ring_step, add_ring(router, peers, shard, collective.transfers));
  }
  // Two local steps (reduce-scatter, all-gather) around the ring's; the network charges one step.
  const Seconds ring_latency = steps_after_first(static_cast<int>(nodes.size()), ring_step);
  collective.protocol_latency =
      nodes.size() < 2 ? local_step : ring_latency + (local < 2 ? Seconds(0) : 2.0 * local_step);
  return collective;
}

struct Algorithm {
  AllReduce id;
  const char* name;
  Collective (*build)(topologies::Router&, const std::vector<int>&, Bytes);
};

constexpr std::array<Algorithm, 2> kAlgorithms = {{
    {AllReduce::ring, "ring", ring},
    {AllReduce::hierarchical, "hierarchical", hierarchical},
}};

}  // namespace

base::EnumNames<AllReduce> names_of(AllReduce) { return base::names_in(kAlgorithms); }

Collective all_reduce(AllReduce algorithm, topologies::Router& router,
                      const std::vector<int>& ranks, Bytes bytes) {
  Collective collective = base::row_of(kAlgorithms, algorithm).build(router, ranks, bytes);
  collective.ranks = ranks;
  return collective;
}

}  // namespace moesim::sim
