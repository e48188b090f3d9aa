// SPDX-License-Identifier: Apache-2.0
// The time of a collective with rounds where every rank waits for all others between them: what the
// closed forms of textbooks count.
#pragma once

#include <vector>

#include "sim/collectives/collective.h"
#include "sim/network/network.h"

namespace moesim::testing {

// protocol_latency, and per round its latency and the floor of its messages alone.
inline double lockstep_time(topologies::Router& router, const sim::Collective& collective) {
  if (collective.rounds.empty()) return sim::floor_of(router, collective).value;
  double time = collective.protocol_latency.value;
  std::size_t begin = 0;
  for (const sim::Round& round : collective.rounds) {
    sim::Collective alone;
    alone.ranks = collective.ranks;
    alone.transfers.assign(collective.transfers.begin() + static_cast<std::ptrdiff_t>(begin),
                           collective.transfers.begin() + static_cast<std::ptrdiff_t>(round.end));
    time += round.latency.value + sim::floor_of(router, alone).value;
    begin = round.end;
  }
  return time;
}

inline std::vector<int> first_ranks(int count) {
  std::vector<int> ranks;
  for (int rank = 0; rank < count; ++rank) ranks.push_back(rank);
  return ranks;
}

}  // namespace moesim::testing
