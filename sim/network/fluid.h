// SPDX-License-Identifier: Apache-2.0
// A collective's messages as a fluid that drains through the links, all starting together on an
// otherwise idle cluster, latencies left out.
#pragma once

#include <span>
#include <vector>

#include "base/units.h"
#include "sim/network/max_min_fill.h"
#include "sim/network/router_pool.h"
#include "topologies/routing.h"

namespace moesim::sim {

// One parcel for each message that has bytes to carry. `channels` [links] see channels_of.
Fluid fluid_of(topologies::Router& router, const std::vector<int>& channels,
               std::span<const topologies::Transfer> transfers);

// The same in as many parcels as there are kinds of messages: links of one kind, bandwidth and load
// (in bins of `grain` times the busiest link's) count as one link of their summed bandwidth, and
// messages that cross the same such links as one parcel of their summed bytes. `loads` are those of
// `transfers`. For dense traffic the makespan differs by a fraction of `grain` (docs/models.md,
// "Network"); a bin's links are averaged, so it may be below the busiest link's time. Bins are
// widened until there are at most kMostClasses parcels.
inline constexpr std::size_t kMostClasses = 2048;
Fluid classes_of(RouterPool& routers, const std::vector<int>& channels,
                 std::span<const topologies::Transfer> transfers,
                 std::span<const topologies::LinkLoad> loads, double grain);

// max over links of bytes / bandwidth; 0 without parcels.
double busiest_link(const Fluid& fluid);

// max over parcels of the sum over their links of bytes / bandwidth: under max-min sharing each
// message always crosses a full link, so none outlasts its links one by one.
double links_one_by_one(const Fluid& fluid);

// When the last message arrives, in seconds. Up to 64 parcels: exact, from one arrival to the next.
// More: by steps in time, see docs/models.md, "Network".
double drain(Fluid fluid);

}  // namespace moesim::sim
