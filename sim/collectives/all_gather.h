// SPDX-License-Identifier: Apache-2.0
// The all-gather: every rank ends with every rank's block.
#pragma once

#include <span>
#include <vector>

#include "base/json_reader.h"
#include "sim/collectives/collective.h"
#include "topologies/routing.h"

namespace moesim::sim {

// Of n blocks of b bytes, alpha the latency of a hop, B the bandwidth of every port:
// ring: n - 1 steps, in each a rank passes on the block it got last (Thakur, Rabenseifner and Gropp
// 2005, "Optimization of Collective Communication Operations in MPICH"): (n-1) (alpha + b/B).
// direct: every rank sends its block to every other at once: alpha + (n-1) b/B.
enum class AllGather { ring, direct };
base::EnumNames<AllGather> names_of(AllGather);

// `sizes` [ranks]: the block that each rank brings, all alike. Throws base::Error naming the ranks
// where they differ. A lone rank sends nothing.
Collective all_gather(AllGather algorithm, topologies::Router& router,
                      const std::vector<int>& ranks, std::span<const base::Bytes> sizes);

}  // namespace moesim::sim
