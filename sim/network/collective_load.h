// SPDX-License-Identifier: Apache-2.0
// What a collective puts on the cluster's links, and the least time it can take.
#pragma once

#include <vector>

#include "base/units.h"
#include "sim/collectives/collective.h"
#include "sim/network/router_pool.h"
#include "topologies/routing.h"

namespace moesim::sim {

struct CollectiveLoad {
  std::vector<topologies::LinkLoad> links;  // those with bytes, in link order
  base::Seconds busiest_link;               // max over links of bytes / bandwidth; 0 without bytes
  base::Seconds latency;  // protocol latency, and that of the ways over the link that decides
  base::Seconds floor;    // floor_of
};

// Sums over blocks of transfers and over these, both in their order, so that equal collectives have
// equal loads to the last bit, on any number of threads.
CollectiveLoad load_of(RouterPool& routers, const Collective& collective);
CollectiveLoad load_of(topologies::Router& router, const Collective& collective);

// The time that the longest chain of messages takes where each waits for those of the rounds before
// and none shares its links: latencies and bytes / slowest link of its ways, protocol latency left
// out. 0 without rounds.
base::Seconds longest_chain(topologies::Router& router, const Collective& collective);

}  // namespace moesim::sim
