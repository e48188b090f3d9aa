// SPDX-License-Identifier: Apache-2.0
// The two ways in which every rank's block, or partial sum of a block, gets to where it is wanted.
// The same messages gather blocks and scatter sums: one is the other run backwards.
#pragma once

#include <vector>

#include "sim/collectives/collective.h"
#include "topologies/routing.h"

namespace moesim::sim {

// n - 1 steps, in each of which every rank passes one block on to the next.
Collective blocks_round_the_ring(topologies::Router& router, const std::vector<int>& ranks,
                                 base::Bytes block);

// Every rank sends every other one block, all at once.
Collective blocks_to_everyone(topologies::Router& router, const std::vector<int>& ranks,
                              base::Bytes block);

}  // namespace moesim::sim
