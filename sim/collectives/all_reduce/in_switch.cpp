// SPDX-License-Identifier: Apache-2.0
// in_switch: switches add up what the ranks send and send the sum to all of them. Several switches
// equally near to the ranks share the buffer.
//
// A fabric switch (SHARP, Graham et al. 2016, "Scalable Hierarchical Aggregation Protocol: A
// Hardware Architecture for Efficient Data Reduction") takes in every rank's buffer and sends every
// rank the sum:
//   2 alpha' + S / B, alpha' the latency between rank and switch
// A scale-up switch (NVLink SHARP) is driven by the ranks: each reads the sum of its 1/n of the
// buffer from the switch, which fetches it from all n ranks, and writes it to the switch, which
// copies it to all (PTX ISA, multimem.ld_reduce and multimem.st). So every rank also receives 1/n
// of the buffer for its sums and sends 1/n with them:
//   2 alpha' + (1 + 1/n) S / B
#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "sim/collectives/all_reduce/algorithms.h"

namespace moesim::sim {
namespace {

// The latency between the reducer and the furthest rank, or infinity where one has no route.
base::Seconds distance(topologies::Router& router, const std::vector<int>& ranks, int reducer) {
  base::Seconds furthest;
  for (const int rank : ranks) {
    if (!router.has_route(rank, reducer) || !router.has_route(reducer, rank))
      return base::Seconds(HUGE_VAL);
    furthest = std::max(furthest, router.latency(rank, reducer));
  }
  return furthest;
}

// The nearest reducers that all ranks reach, as endpoints.
std::vector<int> nearest_reducers(topologies::Router& router, const std::vector<int>& ranks) {
  const topologies::Cluster& cluster = router.cluster();
  std::vector<int> nearest;
  base::Seconds least(HUGE_VAL);
  for (int reducer = cluster.num_ranks(); reducer < cluster.num_endpoints(); ++reducer) {
    const base::Seconds far = distance(router, ranks, reducer);
    if (far < least) nearest.clear();
    if (far < least || (far == least && !nearest.empty())) nearest.push_back(reducer);
    least = std::min(least, far);
  }
  if (!nearest.empty()) return nearest;
  throw base::Error(
      "/comm/all_reduce",
      cluster.reducers.empty() ? "in_switch needs a switch that reduces, and the cluster has none"
                               : "no switch that reduces is reachable from all " +
                                     std::to_string(ranks.size()) + " ranks of the group",
      "use hierarchical, tree or ring, or a cluster whose switches reduce for the whole group");
}

}  // namespace

Collective reduce_in_switch(topologies::Router& router, const std::vector<int>& ranks,
                            base::Bytes bytes) {
  const std::vector<int> reducers = nearest_reducers(router, ranks);
  const topologies::Cluster& cluster = router.cluster();
  Collective collective;
  base::Seconds back;
  for (const int reducer : reducers) {
    const bool driven_by_ranks = cluster.vertices[cluster.vertex_of_endpoint(reducer)].kind ==
                                 topologies::VertexKind::scale_up_switch;
    const double own = driven_by_ranks ? 1.0 / static_cast<double>(ranks.size()) : 0.0;
    const base::Bytes carried = bytes / static_cast<double>(reducers.size()) * (1.0 + own);
    for (const int rank : ranks) {
      collective.transfers.push_back({rank, reducer, carried});
      collective.transfers.push_back({reducer, rank, carried});
      back = std::max(back, router.latency(reducer, rank));
    }
  }
  collective.protocol_latency = back;  // the network charges the way there
  return collective;
}

}  // namespace moesim::sim
