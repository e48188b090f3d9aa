// SPDX-License-Identifier: Apache-2.0
// hierarchical: reduce-scatter inside each node, a ring over the nodes for each local index, then
// all-gather inside each node; chunks are pipelined, so the parts load their links at the same time
// (the scheme of hierarchical rings, Jia et al. 2018, arXiv 1807.11205). Falls back to ring where
// the group has not the same number of ranks on every node.
//
// On N nodes of q ranks, network and scale-up ports of B and B', latencies alpha and alpha':
//   2(N-1) alpha + 2 alpha' + max(2 (N-1)/N S/q / B, 2 (q-1)/q S / B')
#include <algorithm>

#include "sim/collectives/all_reduce/algorithms.h"
#include "sim/collectives/participants.h"

namespace moesim::sim {

Collective reduce_hierarchically(topologies::Router& router, const std::vector<int>& ranks,
                                 base::Bytes bytes) {
  const auto nodes = ranks_by_node(router.cluster(), ranks);
  if (nodes.empty()) return reduce_round_the_ring(router, ranks, bytes);
  const std::size_t local = nodes[0].size();
  const auto share = bytes / static_cast<double>(local);
  Collective collective;
  base::Seconds local_step;
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
  // A chunk is scattered before it enters the ring, and gathered after it.
  if (local > 1 && nodes.size() > 1) {
    collective.pipeline.push_back({{nodes[0][0], nodes[0][1], share}, 2});
  }
  const auto ring = static_cast<double>(nodes.size());
  base::Seconds ring_step;
  for (std::size_t rail = 0; rail < local; ++rail) {
    std::vector<int> peers;
    for (const std::vector<int>& members : nodes) peers.push_back(members[rail]);
    const base::Bytes sent = share * (2.0 * (ring - 1) / ring);
    ring_step = std::max(ring_step, add_ring(router, peers, sent, collective.transfers));
  }
  // Two local steps (reduce-scatter, all-gather) around the ring's; the network charges one step.
  const base::Seconds ring_latency =
      nodes.size() < 2 ? base::Seconds(0) : ring_step * (2.0 * (ring - 1) - 1.0);
  collective.protocol_latency =
      nodes.size() < 2 ? local_step
                       : ring_latency + (local < 2 ? base::Seconds(0) : 2.0 * local_step);
  return collective;
}

}  // namespace moesim::sim
