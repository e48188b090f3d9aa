// SPDX-License-Identifier: Apache-2.0
// ring: rank i sends 2(n-1)/n of the buffer to rank i+1 in 2(n-1) steps of S/n, the first half of
// which sum and the second half of which hand out (Patarasuk and Yuan 2009, "Bandwidth optimal
// all-reduce algorithms for clusters of workstations"). Nothing is left to fill: a step is a chunk.
//
//   2(n-1) (alpha + S/n / B)
#include "sim/collectives/all_reduce/algorithms.h"
#include "sim/collectives/participants.h"

namespace moesim::sim {

Collective reduce_round_the_ring(topologies::Router& router, const std::vector<int>& ranks,
                                 base::Bytes bytes) {
  const auto n = static_cast<double>(ranks.size());
  Collective collective;
  const base::Seconds step =
      add_ring(router, ranks, bytes * (2.0 * (n - 1) / n), collective.transfers);
  // Every step but the first waits one more latency; the network charges the first.
  collective.protocol_latency = step * (2.0 * (n - 1) - 1.0);
  return collective;
}

}  // namespace moesim::sim
