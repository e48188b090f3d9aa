// SPDX-License-Identifier: Apache-2.0
// Who takes part in a collective, what each of them brings, and where they sit.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/units.h"
#include "sim/plan/dispatch_plan.h"
#include "topologies/cluster.h"
#include "topologies/routing.h"

namespace moesim::sim {

// A group of ranks and where they sit: global rank and position inside its node (local index).
struct Group {
  std::vector<int> ranks;        // global, ascending
  std::vector<int> local_index;  // [ranks] accelerator index inside the node
  GroupLayout layout;
};

// `ranks` ascending and distinct ranks of the cluster (CHECK), in any number per node.
Group group_of(const topologies::Cluster& cluster, std::vector<int> ranks);

// The buffer size that all ranks agree on, of `sizes` [ranks] in bytes. Throws base::Error at
// `collective` naming the ranks that differ from the most common size, or when there are more or
// fewer sizes than ranks, or when a size is below 0 or not finite.
base::Bytes agreed_size(const std::string& collective, const std::vector<int>& ranks,
                        std::span<const base::Bytes> sizes);

// [node][index] -> rank, nodes and ranks ascending; only nodes that hold some of the ranks.
std::vector<std::vector<int>> ranks_by_node(const topologies::Cluster& cluster,
                                            const std::vector<int>& ranks);

// Appends `bytes` from each rank to the next around the ring; returns the largest latency of a hop.
// Nothing for fewer than two ranks.
base::Seconds add_ring(topologies::Router& router, const std::vector<int>& ranks, base::Bytes bytes,
                       std::vector<topologies::Transfer>& transfers);

}  // namespace moesim::sim
