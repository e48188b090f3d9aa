// SPDX-License-Identifier: Apache-2.0
// tree: each half of the buffer is summed up one of two complementary binary trees and handed down
// it again, in pipelined chunks (Sanders, Speck and Träff 2009; NCCL since 2.4, Jeaugey 2019,
// "Massively scale your deep learning training with NCCL 2.4"). As in NCCL the trees join nodes: in
// a node the ranks are a chain to the one that is in the trees, a different one for each of q equal
// shares of the buffer, so that every NIC is used; q is the most ranks of a node, and a node with
// fewer begins with its first again. A group inside one node is two trees over its ranks.
//
// n ranks, each alone in its node, n >= 4 and even:
//   2 ceil(log2 n) alpha + 2 S / B
// N nodes of q > 1 ranks, scale-up latency alpha' and ports of B', N >= 4 and even:
//   2 ceil(log2 N) alpha + 2 (q-1) alpha' + max(2 S/q / B, 2 (q-1)/q S / B')
#include <algorithm>
#include <utility>

#include "sim/collectives/all_reduce/algorithms.h"
#include "sim/collectives/all_reduce/double_binary_tree.h"
#include "sim/collectives/participants.h"

namespace moesim::sim {
namespace {

// Messages up and down between a rank and the one above it; remembers the slowest such hop.
class Hops {
 public:
  Hops(topologies::Router& router, Collective& collective)
      : router_(router), collective_(collective) {}

  void add(int below, int above, base::Bytes bytes) {
    for (const auto& [from, to] : {std::pair(below, above), std::pair(above, below)}) {
      collective_.transfers.push_back({from, to, bytes});
      const base::Seconds latency = router_.latency(from, to);
      if (slowest_.source >= 0 && latency <= latency_) continue;
      slowest_ = {from, to, bytes};
      latency_ = latency;
    }
  }

  base::Seconds latency() const { return latency_; }

  // The chunk waits `times` such hops besides those that the network charges.
  void wait(int times) {
    if (slowest_.source < 0 || times <= 0) return;
    collective_.protocol_latency += static_cast<double>(times) * latency_;
    collective_.pipeline.push_back({slowest_, times});
  }

 private:
  topologies::Router& router_;
  Collective& collective_;
  topologies::Transfer slowest_{-1, -1, {}};
  base::Seconds latency_;
};

int in_turn(const std::vector<int>& members, std::size_t turn) {
  return members[turn % members.size()];
}

}  // namespace

Collective reduce_on_two_trees(topologies::Router& router, const std::vector<int>& ranks,
                               base::Bytes bytes) {
  auto nodes = ranks_by_node(router.cluster(), ranks);
  if (nodes.size() < 2) {
    nodes.clear();
    for (const int rank : ranks) nodes.push_back({rank});
  }
  const auto trees = double_binary_tree(static_cast<int>(nodes.size()));
  std::size_t shares = 0;
  for (const std::vector<int>& members : nodes) shares = std::max(shares, members.size());
  const base::Bytes share = bytes / static_cast<double>(shares);
  Collective collective;
  Hops chain(router, collective);
  Hops tree(router, collective);
  for (std::size_t turn = 0; turn < shares; ++turn) {
    for (const std::vector<int>& members : nodes) {
      for (std::size_t place = 1; place < members.size(); ++place) {
        chain.add(in_turn(members, turn + place), in_turn(members, turn + place - 1), share);
      }
    }
    for (const BinaryTree& half : trees) {
      for (std::size_t node = 0; node < nodes.size(); ++node) {
        if (half.parent[node] < 0) continue;
        tree.add(in_turn(nodes[node], turn), in_turn(nodes[half.parent[node]], turn), share / 2.0);
      }
    }
  }
  chain.wait(2 * (static_cast<int>(shares) - 1));
  tree.wait(2 * trees[0].depth - 1);
  return collective;
}

}  // namespace moesim::sim
