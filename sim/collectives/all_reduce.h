// SPDX-License-Identifier: Apache-2.0
// The all-reduce that sums gradients over data-parallel ranks.
#pragma once

#include <vector>

#include "base/json_reader.h"
#include "sim/collectives/collective.h"
#include "topologies/routing.h"

namespace moesim::sim {

// ring: rank i sends 2(n-1)/n of the buffer to rank i+1 in 2(n-1) steps (Patarasuk and Yuan 2009).
// hierarchical: reduce-scatter inside each node, a ring over the nodes for each local index, then
// all-gather inside each node; chunks are pipelined, so the parts load their links at the same
// time. Falls back to ring where the group has not the same number of ranks on every node.
enum class AllReduce { ring, hierarchical };
base::EnumNames<AllReduce> names_of(AllReduce);

// All-reduce of a buffer of `bytes` per rank among `ranks` (ascending). `router` gives the latency
// of a ring step: protocol_latency holds every step but the one that the network itself charges.
Collective all_reduce(AllReduce algorithm, topologies::Router& router,
                      const std::vector<int>& ranks, base::Bytes bytes);

}  // namespace moesim::sim
