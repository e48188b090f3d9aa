// SPDX-License-Identifier: Apache-2.0
#include "sim/network/collective_load.h"

#include <algorithm>
#include <limits>

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
    for (const int link : router.route(transfer.source, transfer.destination)) {
      least[link] = std::min(least[link], latency);
    }
  }
  return least;
}

}  // namespace

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
  load.floor = collective.protocol_latency + network_floor;
  return load;
}

}  // namespace moesim::sim
