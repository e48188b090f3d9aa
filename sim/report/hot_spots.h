// SPDX-License-Identifier: Apache-2.0
// Ranks and experts that get much more than their share.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/plan/placement.h"
#include "sim/routing/plan_routing.h"

namespace moesim::sim {

// A rank stands out with a tenth more than the mean, an expert with a half more, and either by five
// standard deviations of what chance does to counts (the root of the mean).
inline constexpr double kHotRank = 1.1;
inline constexpr double kHotExpert = 1.5;

// Over the whole step.
struct HotRank {
  int rank = 0;
  double over_mean = 0;  // its kept pairs / the mean rank's, over the layers where it stands out
  int layers = 0;        // MoE layers in which it stands out
};

struct HotExpert {
  int layer = 0;  // MoE layer, from 0
  int expert = 0;
  int position = 0;      // in the expert-parallel group: the rank that holds it, of each group
  double over_mean = 0;  // its kept pairs / the mean expert's of the layer
};

struct HotSpots {
  std::vector<HotRank> ranks;      // by layers, then by over_mean, the most first
  std::vector<HotExpert> experts;  // by over_mean
};

// Kept pairs are summed over micro-batches, experts' over groups too. `ranks` are the job's, in the
// order of its groups.
HotSpots hot_spots(const StepPlans& plans, const Placement& placement, std::span<const int> ranks);

}  // namespace moesim::sim
