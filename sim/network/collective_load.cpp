// SPDX-License-Identifier: Apache-2.0
#include "sim/network/collective_load.h"

#include <algorithm>
#include <limits>
#include <span>

#include "sim/network/round_tracker.h"

namespace moesim::sim {
namespace {

// What one pass over a collective's messages finds.
struct Sums {
  std::vector<double> bytes;  // [links]
  std::vector<double> least;  // [links] least latency of the ways that use it
  double slowest = 0;         // latency and bytes / slowest link of any message's way, the most
};

Sums sum_up(topologies::Router& router, const std::vector<topologies::Transfer>& transfers) {
  const std::vector<topologies::Link>& links = router.cluster().links;
  std::vector<double> bandwidth;
  std::vector<double> latency;
  for (const topologies::Link& link : links) {
    bandwidth.push_back(link.bandwidth.value);
    latency.push_back(link.latency.value);
  }
  Sums sums;
  sums.bytes.assign(links.size(), 0.0);
  sums.least.assign(links.size(), std::numeric_limits<double>::infinity());
  for (const topologies::Transfer& transfer : transfers) {
    if (!carries(transfer)) continue;
    const std::span<const topologies::Path> paths =
        router.walk_paths(transfer.source, transfer.destination);
    double delay = 0;  // all parts of a message wait for its slowest way's latency
    double carrying = 0;
    for (const topologies::Path& path : paths) {
      const double bytes = transfer.bytes.value * path.share;
      double latencies = 0;
      double narrowest = std::numeric_limits<double>::infinity();
      for (const int link : path.links) {
        sums.bytes[link] += bytes;
        latencies += latency[link];
        narrowest = std::min(narrowest, bandwidth[link]);
      }
      delay = std::max(delay, latencies);
      carrying = std::max(carrying, bytes / narrowest);
    }
    for (const topologies::Path& path : paths) {
      for (const int link : path.links) sums.least[link] = std::min(sums.least[link], delay);
    }
    sums.slowest = std::max(sums.slowest, delay + carrying);
  }
  return sums;
}

// A message alone on its ways: its latency, and the way that is slowest for its share.
base::Seconds alone(topologies::Router& router, const topologies::Transfer& transfer) {
  base::Seconds carrying;
  base::Seconds delay;
  for (const topologies::Path& path : router.walk_paths(transfer.source, transfer.destination)) {
    base::Seconds latencies;
    for (const int link : path.links) {
      const topologies::Link& on = router.cluster().links[link];
      carrying = std::max(carrying, transfer.bytes * path.share / on.bandwidth);
      latencies += on.latency;
    }
    delay = std::max(delay, latencies);
  }
  return delay + carrying;
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
  const Sums sums = sum_up(router, collective.transfers);
  CollectiveLoad load;
  base::Seconds slowest_link;
  for (std::size_t link = 0; link < sums.bytes.size(); ++link) {
    if (sums.bytes[link] <= 0) continue;
    load.links.push_back({static_cast<int>(link), base::Bytes(sums.bytes[link])});
    const base::Seconds carrying = load.links.back().bytes / router.cluster().links[link].bandwidth;
    load.busiest_link = std::max(load.busiest_link, carrying);
    slowest_link = std::max(slowest_link, base::Seconds(sums.least[link]) + carrying);
  }
  load.latency = collective.protocol_latency + slowest_link - load.busiest_link;
  load.floor = collective.protocol_latency + std::max({slowest_link, base::Seconds(sums.slowest),
                                                       longest_chain(router, collective)});
  return load;
}

}  // namespace moesim::sim
