// SPDX-License-Identifier: Apache-2.0
// tree: each half of the buffer is summed up one of two complementary binary trees and handed down
// it again, in pipelined chunks (Sanders, Speck and Träff 2009; NCCL since 2.4, Jeaugey 2019,
// "Massively scale your deep learning training with NCCL 2.4"). As in NCCL the trees join nodes: in
// a node the ranks are a chain to the one that is in the trees, a different one for each of q equal
// shares of the buffer, so that every NIC is used. A group inside one node, or with unequal numbers
// of ranks on its nodes, is two trees over its ranks.
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

}  // namespace

Collective reduce_on_two_trees(topologies::Router& router, const std::vector<int>& ranks,
                               base::Bytes bytes) {
  auto nodes = ranks_by_node(router.cluster(), ranks);
  if (nodes.size() < 2) {
    nodes.clear();
    for (const int rank : ranks) nodes.push_back({rank});
  }
  const auto trees = double_binary_tree(static_cast<int>(nodes.size()));
  const int local = static_cast<int>(nodes[0].size());
  const base::Bytes share = bytes / static_cast<double>(local);
  Collective collective;
  Hops chain(router, collective);
  Hops tree(router, collective);
  for (int leader = 0; leader < local; ++leader) {
    for (const std::vector<int>& members : nodes) {
      for (int place = 1; place < local; ++place) {
        chain.add(members[(leader + place) % local], members[(leader + place - 1) % local], share);
      }
    }
    for (const BinaryTree& half : trees) {
      for (std::size_t node = 0; node < nodes.size(); ++node) {
        if (half.parent[node] < 0) continue;
        tree.add(nodes[node][leader], nodes[half.parent[node]][leader], share / 2.0);
      }
    }
  }
  chain.wait(2 * (local - 1));
  tree.wait(2 * trees[0].depth - 1);
  return collective;
}

}  // namespace moesim::sim
