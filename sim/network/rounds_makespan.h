// SPDX-License-Identifier: Apache-2.0
// How long a collective of several rounds takes on an otherwise idle cluster, its messages sharing
// links max-min fairly and each waiting for those of the rounds before at its own two ends.
#pragma once

#include <vector>

#include "base/units.h"
#include "sim/collectives/collective.h"
#include "topologies/routing.h"

namespace moesim::sim {

// More messages than this are taken round by round, each ending on all ranks before the next: an
// upper bound, exact where all ranks have equal work.
inline constexpr std::size_t kMostRoundMessages = std::size_t{1} << 16;

// From the first message's wait to the last arrival, latencies included, protocol latency left out.
// `collective` has rounds; `channels` [links] see channels_of.
base::Seconds rounds_makespan(topologies::Router& router, const std::vector<int>& channels,
                              const Collective& collective);

}  // namespace moesim::sim
