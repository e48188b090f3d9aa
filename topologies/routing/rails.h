// SPDX-License-Identifier: Apache-2.0
// Which neighbour sends a message on for the source, so that it leaves on the destination's rail:
// what NCCL calls PXN (NVIDIA, "Doubling all2all performance with NVIDIA Collective Communication
// Library 2.12", 2022).
//
// A rail is the first switch beyond a NIC, or all first switches of the same place.
#pragma once

#include <span>
#include <vector>

#include "topologies/cluster.h"
#include "topologies/routing/next_hops.h"

namespace moesim::topologies {

class Rails {
 public:
  // Keeps references to both.
  Rails(const Cluster& cluster, NextHops& next);

  // The accelerators (vertices, ascending) of the source's node that have a NIC on the
  // destination's rail and that the source reaches over scale-up links alone. None when the source
  // has such a NIC itself, sits in the destination's node or reaches it locally, when either is no
  // accelerator, or when there is no such neighbour. Neighbours on the destination's first switch
  // go before those whose switch only has the same place.
  std::span<const int> neighbours(int source, const Destination& to);

 private:
  using Switches = std::vector<int>;  // vertices, ascending

  Switches first_switches(int accelerator) const;
  std::vector<int> find_neighbours(int source, const Destination& to);
  bool reaches_by_scale_up(int source, int neighbour);

  const Cluster& cluster_;
  NextHops& next_;
  std::vector<Switches> first_switches_;         // [ranks]
  std::vector<std::vector<int>> ranks_of_node_;  // [nodes] vertices
  std::vector<int> rank_of_;                     // [vertices] -1: no accelerator
  std::vector<std::vector<int>> list_of_;  // [approaches, ranks] index into lists_; -1 unknown
  std::vector<std::vector<int>> lists_;    // the first one is empty
};

}  // namespace moesim::topologies
