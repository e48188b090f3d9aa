// SPDX-License-Identifier: Apache-2.0
#include "sim/report/hot_spots.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moesim::sim {
namespace {

constexpr double kDeviations = 5;

using Loads = std::vector<std::int64_t>;

double mean_of(const Loads& loads) {
  return std::accumulate(loads.begin(), loads.end(), 0.0) / static_cast<double>(loads.size());
}

bool stands_out(double load, double mean, double factor) {
  return load > factor * mean && load > mean + kDeviations * std::sqrt(mean);
}

// A layer's kept pairs, by the job's ranks and by expert.
struct LayerLoads {
  Loads ranks;
  Loads experts;
};

LayerLoads loads_of(const StepPlans& plans, std::size_t layer) {
  const std::vector<DispatchPlan>& groups = plans.front()[layer];
  LayerLoads loads;
  loads.ranks.resize(groups.size() * static_cast<std::size_t>(groups.front().num_ranks));
  loads.experts.resize(groups.front().num_experts);
  for (const auto& layers : plans) {
    std::size_t rank = 0;
    for (const DispatchPlan& plan : layers[layer]) {
      for (int p = 0; p < plan.num_ranks; ++p) loads.ranks[rank++] += plan.rows_of_rank(p);
      for (int e = 0; e < plan.num_experts; ++e) loads.experts[e] += plan.expert_rows[e];
    }
  }
  return loads;
}

// Sums of a rank over the layers where it stands out.
struct RankSum {
  double over_mean = 0;
  int layers = 0;
};

void add_ranks(const Loads& loads, std::vector<RankSum>& sums) {
  const double mean = mean_of(loads);
  for (std::size_t rank = 0; rank < loads.size(); ++rank) {
    const auto load = static_cast<double>(loads[rank]);
    if (!stands_out(load, mean, kHotRank)) continue;
    sums[rank].over_mean += load / mean;
    ++sums[rank].layers;
  }
}

void add_experts(const Loads& loads, int layer, const Placement& placement, HotSpots& spots) {
  const double mean = mean_of(loads);
  for (std::size_t expert = 0; expert < loads.size(); ++expert) {
    const auto load = static_cast<double>(loads[expert]);
    if (!stands_out(load, mean, kHotExpert)) continue;
    spots.experts.push_back(
        {layer, static_cast<int>(expert), placement.ranks_of_expert[expert].front(), load / mean});
  }
}

}  // namespace

HotSpots hot_spots(const StepPlans& plans, const Placement& placement, std::span<const int> ranks) {
  HotSpots spots;
  std::vector<RankSum> sums(ranks.size());
  for (std::size_t layer = 0; layer < plans.front().size(); ++layer) {
    const LayerLoads loads = loads_of(plans, layer);
    add_ranks(loads.ranks, sums);
    add_experts(loads.experts, static_cast<int>(layer), placement, spots);
  }
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (sums[i].layers == 0) continue;
    spots.ranks.push_back({ranks[i], sums[i].over_mean / sums[i].layers, sums[i].layers});
  }
  std::stable_sort(spots.ranks.begin(), spots.ranks.end(), [](const HotRank& a, const HotRank& b) {
    return a.layers != b.layers ? a.layers > b.layers : a.over_mean > b.over_mean;
  });
  std::stable_sort(
      spots.experts.begin(), spots.experts.end(),
      [](const HotExpert& a, const HotExpert& b) { return a.over_mean > b.over_mean; });
  return spots;
}

}  // namespace moesim::sim
