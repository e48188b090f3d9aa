// SPDX-License-Identifier: Apache-2.0
// Where experts would lie if their loads were known beforehand.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/plan/placement.h"

namespace moesim::sim {

// One rank for each expert, `slots[r]` experts at most on rank r, the fullest rank as empty as a
// greedy method gets it: the longest processing time rule (Graham 1969, "Bounds on multiprocessing
// timing anomalies") with a limit on the number of pieces (Babel, Kellerer and Kotov 1998, "The
// k-partitioning problem"), then exchanges of an expert of the fullest rank while one makes it and
// its partner emptier than it was. Ties go to the lower number. `slots` sum to at least the
// experts.
Placement even_placement(std::span<const std::int64_t> loads, std::span<const int> slots);

// [ranks] the loads of each rank's experts, summed. `placement` has one rank for each expert.
std::vector<std::int64_t> rank_loads(const Placement& placement,
                                     std::span<const std::int64_t> loads);

}  // namespace moesim::sim
