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

// Of the cluster's links, for quick reading.
struct LinkFigures {
  explicit LinkFigures(const std::vector<topologies::Link>& links) {
    for (const topologies::Link& link : links) {
      bandwidth.push_back(link.bandwidth.value);
      latency.push_back(link.latency.value);
    }
  }

  std::vector<double> bandwidth;
  std::vector<double> latency;
};

void add_message(const topologies::Transfer& transfer, std::span<const topologies::Path> paths,
                 const LinkFigures& links, Sums& sums) {
  double delay = 0;  // all parts of a message wait for its slowest way's latency
  double carrying = 0;
  for (const topologies::Path& path : paths) {
    const double bytes = transfer.bytes.value * path.share;
    double latencies = 0;
    double narrowest = std::numeric_limits<double>::infinity();
    for (const int link : path.links) {
      sums.bytes[link] += bytes;
      latencies += links.latency[link];
      narrowest = std::min(narrowest, links.bandwidth[link]);
    }
    delay = std::max(delay, latencies);
    carrying = std::max(carrying, bytes / narrowest);
  }
  for (const topologies::Path& path : paths) {
    for (const int link : path.links) sums.least[link] = std::min(sums.least[link], delay);
  }
  sums.slowest = std::max(sums.slowest, delay + carrying);
}

void add(const Sums& part, Sums& whole) {
  for (std::size_t link = 0; link < part.bytes.size(); ++link) {
    whole.bytes[link] += part.bytes[link];
    whole.least[link] = std::min(whole.least[link], part.least[link]);
  }
  whole.slowest = std::max(whole.slowest, part.slowest);
}

Sums sum_up(RouterPool& routers, std::span<const topologies::Transfer> transfers) {
  const LinkFigures links(routers.router().cluster().links);
  Sums none;
  none.bytes.assign(links.bandwidth.size(), 0.0);
  none.least.assign(links.bandwidth.size(), std::numeric_limits<double>::infinity());
  std::vector<Sums> blocks(num_blocks(transfers), none);
  for_each_block(routers, transfers, [&](topologies::Router& router, int b, const auto& block) {
    for (const topologies::Transfer& transfer : block) {
      if (!carries(transfer)) continue;
      add_message(transfer, router.walk_paths(transfer.source, transfer.destination), links,
                  blocks[b]);
    }
  });
  Sums sums = blocks.empty() ? std::move(none) : std::move(blocks.front());
  for (std::size_t b = 1; b < blocks.size(); ++b) add(blocks[b], sums);
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

CollectiveLoad load_of(RouterPool& routers, const Collective& collective) {
  const std::vector<topologies::Link>& links = routers.router().cluster().links;
  const Sums sums = sum_up(routers, collective.transfers);
  CollectiveLoad load;
  base::Seconds slowest_link;
  for (std::size_t link = 0; link < sums.bytes.size(); ++link) {
    if (sums.bytes[link] <= 0) continue;
    load.links.push_back({static_cast<int>(link), base::Bytes(sums.bytes[link])});
    const base::Seconds carrying = load.links.back().bytes / links[link].bandwidth;
    load.busiest_link = std::max(load.busiest_link, carrying);
    slowest_link = std::max(slowest_link, base::Seconds(sums.least[link]) + carrying);
  }
  load.latency = collective.protocol_latency + slowest_link - load.busiest_link;
  load.floor =
      collective.protocol_latency + std::max({slowest_link, base::Seconds(sums.slowest),
                                              longest_chain(routers.router(), collective)});
  return load;
}

CollectiveLoad load_of(topologies::Router& router, const Collective& collective) {
  RouterPool alone(router, 1);
  return load_of(alone, collective);
}

}  // namespace moesim::sim
