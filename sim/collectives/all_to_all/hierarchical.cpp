// SPDX-License-Identifier: Apache-2.0
// hierarchical: two rounds, nothing left out. First each rank sends all that it has for a node in
// one message to the rank with its own local index there, so that it stays on its rail; then every
// rank hands out what it holds over the scale-up links, one message per neighbour (the two
// dimensions of Tutel's 2DH all-to-all, Hwang et al. 2022, arXiv 2206.03382, in the
// order that needs no copy before the network).
//
// On N nodes of q ranks, network and scale-up ports of B and B', latencies alpha and alpha':
//   alpha + (N-1) q b / B + alpha' + (q-1) N b / B'
#include "sim/collectives/all_to_all/algorithms.h"

namespace moesim::sim {

void send_hierarchical(const Exchange& exchange, Schedule& schedule) {
  const Group& group = exchange.group;
  const int n = exchange.size();
  const auto gateway = gateways(group);
  std::vector<base::Bytes> held(static_cast<std::size_t>(n) * n);  // [holder, destination]
  for (int source = 0; source < n; ++source) {
    const int home = group.layout.node_of_rank[source];
    std::vector<base::Bytes> to_node(group.layout.num_nodes);
    for (int destination = 0; destination < n; ++destination) {
      const int node = group.layout.node_of_rank[destination];
      const int holder = node == home ? source : gateway[group.local_index[source]][node];
      held[static_cast<std::size_t>(holder) * n + destination] +=
          exchange.between(source, destination);
      to_node[node] += exchange.between(source, destination);
    }
    for (int node = 0; node < group.layout.num_nodes; ++node) {
      if (node == home) continue;
      schedule.send(source, gateway[group.local_index[source]][node], to_node[node]);
    }
  }
  schedule.end_round();
  for (int holder = 0; holder < n; ++holder) {
    for (int destination = 0; destination < n; ++destination) {
      if (holder == destination) continue;
      schedule.send(holder, destination, held[static_cast<std::size_t>(holder) * n + destination]);
    }
  }
  schedule.end_round();
}

}  // namespace moesim::sim
