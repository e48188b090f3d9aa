// SPDX-License-Identifier: Apache-2.0
// hierarchical: reduce-scatter inside each node, rings over the nodes, then all-gather inside each
// node; chunks are pipelined, so the parts load their links at the same time (the scheme of
// hierarchical rings, Jia et al. 2018, arXiv 1807.11205). The reduce-scatter leaves each of a
// node's q ranks with 1/q of the buffer, and every byte goes round the nodes from the rank that has
// it to the one that has it in the next: with the same q everywhere those of one place in their
// nodes are a ring; on nodes of unequal numbers a rank's part goes to the two or more that share it
// there.
//
// On N nodes of q ranks, network and scale-up ports of B and B', latencies alpha and alpha':
//   2(N-1) alpha + 2 alpha' + max(2 (N-1)/N S/q / B, 2 (q-1)/q S / B')
// where q differs, with the least q for B and the largest for B'.
#include <algorithm>

#include "sim/collectives/all_reduce/algorithms.h"
#include "sim/collectives/participants.h"

namespace moesim::sim {
namespace {

// Of a buffer in a x b equal parts: those in both the i-th of a shares and the j-th of b shares.
double common_parts(std::size_t i, std::size_t a, std::size_t j, std::size_t b) {
  const std::size_t begin = std::max(i * b, j * a);
  const std::size_t end = std::min((i + 1) * b, (j + 1) * a);
  return end > begin ? static_cast<double>(end - begin) : 0.0;
}

class Hierarchy {
 public:
  Hierarchy(topologies::Router& router, const std::vector<int>& ranks, base::Bytes bytes)
      : router_(router), nodes_(ranks_by_node(router.cluster(), ranks)), bytes_(bytes) {
    for (const std::vector<int>& members : nodes_) most_ = std::max(most_, members.size());
  }

  Collective build() {
    const base::Seconds local_step = add_local_steps();
    if (nodes_.size() < 2) {
      collective_.protocol_latency = local_step;
      return std::move(collective_);
    }
    add_pipeline();
    const auto ring = static_cast<double>(nodes_.size());
    const base::Seconds ring_step = add_rings(2.0 * (ring - 1) / ring);
    // Two local steps (reduce-scatter, all-gather) around the ring's; the network charges one step.
    const base::Seconds ring_latency = ring_step * (2.0 * (ring - 1) - 1.0);
    collective_.protocol_latency = ring_latency + (most_ < 2 ? base::Seconds(0) : 2.0 * local_step);
    return std::move(collective_);
  }

 private:
  // A message of the collective; returns its latency.
  base::Seconds add(int from, int to, base::Bytes bytes) {
    collective_.transfers.push_back({from, to, bytes});
    return router_.latency(from, to);
  }

  // Inside the nodes: each rank's share of everyone's buffer to it (reduce-scatter), and its share
  // of the sum to everyone (all-gather). Returns the largest latency of a hop.
  base::Seconds add_local_steps() {
    base::Seconds slowest;
    for (const std::vector<int>& members : nodes_) {
      const base::Bytes both = bytes_ * (2.0 / static_cast<double>(members.size()));
      for (const int from : members) {
        for (const int to : members) {
          if (from != to) slowest = std::max(slowest, add(from, to, both));
        }
      }
    }
    return slowest;
  }

  // Round the nodes, place by place, each byte `times`. Returns the largest latency of a hop.
  base::Seconds add_rings(double times) {
    base::Seconds slowest;
    for (std::size_t place = 0; place < most_; ++place) {
      for (std::size_t node = 0; node < nodes_.size(); ++node) {
        if (place < nodes_[node].size()) slowest = std::max(slowest, add_hops(node, place, times));
      }
    }
    return slowest;
  }

  // From a node's rank at `place` to those of the next node that share its part of the buffer.
  base::Seconds add_hops(std::size_t node, std::size_t place, double times) {
    base::Seconds slowest;
    const std::vector<int>& members = nodes_[node];
    const std::vector<int>& next = nodes_[(node + 1) % nodes_.size()];
    const auto parts = static_cast<double>(members.size() * next.size());
    for (std::size_t other = 0; other < next.size(); ++other) {
      const double common = common_parts(place, members.size(), other, next.size());
      if (common == 0) continue;
      slowest =
          std::max(slowest, add(members[place], next[other], bytes_ / (parts / common) * times));
    }
    return slowest;
  }

  // A chunk is scattered before it enters a ring and gathered after it: hops of the largest share.
  void add_pipeline() {
    const std::vector<int>* fewest = nullptr;
    for (const std::vector<int>& members : nodes_) {
      if (members.size() < 2) continue;
      if (fewest == nullptr || members.size() < fewest->size()) fewest = &members;
    }
    if (fewest == nullptr) return;
    const base::Bytes share = bytes_ / static_cast<double>(fewest->size());
    collective_.pipeline.push_back({{(*fewest)[0], (*fewest)[1], share}, 2});
  }

  topologies::Router& router_;
  std::vector<std::vector<int>> nodes_;  // [node][place] -> rank
  base::Bytes bytes_;
  std::size_t most_ = 0;  // ranks of a node
  Collective collective_;
};

}  // namespace

Collective reduce_hierarchically(topologies::Router& router, const std::vector<int>& ranks,
                                 base::Bytes bytes) {
  return Hierarchy(router, ranks, bytes).build();
}

}  // namespace moesim::sim
