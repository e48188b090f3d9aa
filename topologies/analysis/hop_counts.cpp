// SPDX-License-Identifier: Apache-2.0
#include "topologies/analysis/hop_counts.h"

#include <algorithm>

#include "topologies/graph.h"

namespace moesim::topologies {

HopCounter::HopCounter(const Cluster& cluster) : first_(cluster.vertices.size() + 1) {
  for (const Vertex& vertex : cluster.vertices) {
    forwards_.push_back(vertex.kind != VertexKind::accelerator);
  }
  for (const Link& link : cluster.links) ++first_[link.from + 1];
  for (std::size_t v = 1; v < first_.size(); ++v) first_[v] += first_[v - 1];
  heads_.resize(cluster.links.size());
  std::vector<int> next(first_.begin(), first_.end() - 1);
  for (const Link& link : cluster.links) heads_[next[link.from]++] = link.to;
}

const HopCounts& HopCounter::from(int vertex) {
  counts_.hops.assign(forwards_.size(), kUnreachable);
  counts_.ways.assign(forwards_.size(), 0);
  counts_.hops[vertex] = 0;
  counts_.ways[vertex] = 1;
  queue_.assign(1, vertex);
  for (std::size_t at = 0; at < queue_.size(); ++at) {
    const int tail = queue_[at];
    if (tail != vertex && !forwards_[tail]) continue;
    for (int i = first_[tail]; i < first_[tail + 1]; ++i) {
      const int head = heads_[i];
      if (counts_.hops[head] == kUnreachable) {
        counts_.hops[head] = counts_.hops[tail] + 1;
        queue_.push_back(head);
      }
      if (counts_.hops[head] == counts_.hops[tail] + 1) counts_.ways[head] += counts_.ways[tail];
    }
  }
  return counts_;
}

}  // namespace moesim::topologies
