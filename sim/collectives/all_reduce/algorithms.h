// SPDX-License-Identifier: Apache-2.0
// The algorithms of an all-reduce, one file each; the file says what it does, whence it comes and
// what it costs. In the formulas n ranks hold S bytes each, alpha is the latency of a hop and B the
// bandwidth of every port. Ranks ascend, at least two.
#pragma once

#include <vector>

#include "sim/collectives/collective.h"
#include "topologies/routing.h"

namespace moesim::sim {

Collective reduce_round_the_ring(topologies::Router& router, const std::vector<int>& ranks,
                                 base::Bytes bytes);
Collective reduce_hierarchically(topologies::Router& router, const std::vector<int>& ranks,
                                 base::Bytes bytes);
Collective reduce_on_two_trees(topologies::Router& router, const std::vector<int>& ranks,
                               base::Bytes bytes);
Collective reduce_in_switch(topologies::Router& router, const std::vector<int>& ranks,
                            base::Bytes bytes);
Collective reduce_by_halves(topologies::Router& router, const std::vector<int>& ranks,
                            base::Bytes bytes);

}  // namespace moesim::sim
