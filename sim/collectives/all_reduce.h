// SPDX-License-Identifier: Apache-2.0
// The all-reduce that sums gradients over data-parallel ranks.
#pragma once

#include <span>
#include <vector>

#include "base/json_reader.h"
#include "sim/collectives/collective.h"
#include "topologies/routing.h"

namespace moesim::sim {

// Each algorithm is a file in all_reduce/, which says what it does and whence it comes.
enum class AllReduce { ring, hierarchical, tree, in_switch, halving_doubling };
base::EnumNames<AllReduce> names_of(AllReduce);

// All-reduce of a buffer of `bytes` per rank among `ranks` (ascending). `router` gives the latency
// of a step: protocol_latency holds every step but the one that the network itself charges.
// in_switch throws base::Error where no switch that reduces is reachable from all ranks.
Collective all_reduce(AllReduce algorithm, topologies::Router& router,
                      const std::vector<int>& ranks, base::Bytes bytes);

// The same of each rank's own buffer, `sizes` [ranks]. Throws base::Error naming the ranks where
// they differ.
Collective all_reduce(AllReduce algorithm, topologies::Router& router,
                      const std::vector<int>& ranks, std::span<const base::Bytes> sizes);

}  // namespace moesim::sim
