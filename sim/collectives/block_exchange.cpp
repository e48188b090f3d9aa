// SPDX-License-Identifier: Apache-2.0
#include "sim/collectives/block_exchange.h"

#include "sim/collectives/participants.h"

namespace moesim::sim {

Collective blocks_round_the_ring(topologies::Router& router, const std::vector<int>& ranks,
                                 base::Bytes block) {
  const auto n = static_cast<double>(ranks.size());
  Collective collective;
  collective.ranks = ranks;
  const base::Seconds step = add_ring(router, ranks, block * (n - 1), collective.transfers);
  // The network charges the first step's latency.
  if (ranks.size() > 1) collective.protocol_latency = step * (n - 2);
  return collective;
}

Collective blocks_to_everyone(topologies::Router&, const std::vector<int>& ranks,
                              base::Bytes block) {
  Collective collective;
  collective.ranks = ranks;
  for (const int from : ranks) {
    for (const int to : ranks) {
      if (from != to) collective.transfers.push_back({from, to, block});
    }
  }
  return collective;
}

}  // namespace moesim::sim
