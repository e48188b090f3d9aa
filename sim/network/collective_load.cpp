// SPDX-License-Identifier: Apache-2.0
#include "sim/network/collective_load.h"

#include <algorithm>
#include <limits>

#include "sim/network/round_tracker.h"

namespace moesim::sim {
namespace {

// [links] the least latency of the routes that use each link for this collective's bytes.
std::vector<base::Seconds> least_latencies(topologies::Router& router,
                                           const Collective& collective) {
  const base::Seconds never(std::numeric_limits<double>::infinity());
  std::vector<base::Seconds> least(router.cluster().links.size(), never);
  for (const topologies::Transfer& transfer : collective.transfers) {
    if (transfer.bytes.value <= 0) continue;
    const base::Seconds latency = router.latency(transfer.source, transfer.destination);
    for (const topologies::Path& path : router.paths(transfer.source, transfer.destination)) {
      for (const int link : path.links) least[link] = std::min(least[link], latency);
    }
  }
  return least;
}

// A message alone on its ways: its latency, and the way that is slowest for its share.
base::Seconds alone(topologies::Router& router, const topologies::Transfer& transfer) {
  base::Seconds slowest;
  for (const topologies::Path& path : router.paths(transfer.source, transfer.destination)) {
    for (const int link : path.links) {
      const base::Seconds carrying =
          transfer.bytes * path.share / router.cluster().links[link].bandwidth;
      slowest = std::max(slowest, carrying);
    }
  }
  return router.latency(transfer.source, transfer.destination) + slowest;
}

}  // namespace

base::Seconds longest_chain(topologies::Router& router, const Collective& collective) {
  base::Seconds longest;
  std::vector<base::Seconds> free_at(router.cluster().num_endpoints());    // before this round
  std::vector<base::Seconds> next_free(router.cluster().num_endpoints());  // after it
  std::size_t begin = 0;
  for (const Round& round : collective.rounds) {
    for (std::size_t m = begin; m < round.end; ++m) {
      const topologies::Transfer& transfer = collective.transfers[m];
      if (!carries(transfer)) continue;
      const base::Seconds start =
          std::max(free_at[transfer.source], free_at[transfer.destination]) + round.latency;
      const base::Seconds end = start + alone(router, transfer);
      for (const int endpoint : {transfer.source, transfer.destination}) {
        next_free[endpoint] = std::max(next_free[endpoint], end);
      }
      longest = std::max(longest, end);
    }
    for (std::size_t m = begin; m < round.end; ++m) {
      const topologies::Transfer& transfer = collective.transfers[m];
      free_at[transfer.source] = next_free[transfer.source];
      free_at[transfer.destination] = next_free[transfer.destination];
    }
    begin = round.end;
  }
  return longest;
}

CollectiveLoad load_of(topologies::Router& router, const Collective& collective) {
  CollectiveLoad load;
  load.links = topologies::link_loads(router, collective.transfers);
  const std::vector<base::Seconds> least = least_latencies(router, collective);
  base::Seconds network_floor;
  for (const topologies::LinkLoad& on_link : load.links) {
    const base::Seconds carrying = on_link.bytes / router.cluster().links[on_link.link].bandwidth;
    load.busiest_link = std::max(load.busiest_link, carrying);
    network_floor = std::max(network_floor, least[on_link.link] + carrying);
  }
  load.floor =
      collective.protocol_latency + std::max(network_floor, longest_chain(router, collective));
  return load;
}

}  // namespace moesim::sim
