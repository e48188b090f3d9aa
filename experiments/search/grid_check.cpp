// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/grid_check.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace moesim::experiments {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kAsGood = 1e-9;  // sums of the same figures in another order

// How much worse `cost` is than `best`, as a share of it; at least 0.
double share_worse(double cost, double best) {
  if (cost <= best) return 0;
  const double share = (cost - best) / (best == 0 ? 1.0 : std::abs(best));
  return share <= kAsGood ? 0 : share;
}

BestCheck check_best(std::span<const Standing> standings, std::size_t objective,
                     std::optional<std::size_t> named) {
  BestCheck check;
  for (std::size_t i = 0; i < standings.size(); ++i) {
    if (!standings[i].is_feasible()) continue;
    if (!check.best || standings[i].costs[objective] < standings[*check.best].costs[objective]) {
      check.best = i;
    }
  }
  if (!check.best) return check;  // there is nothing to find
  check.named = named;
  const bool is_named = named && standings[*named].is_feasible();
  check.shortfall = is_named ? share_worse(standings[*named].costs[objective],
                                           standings[*check.best].costs[objective])
                             : kInfinity;
  return check;
}

// The share by which the nearest of those that ran is worse than the member, by its worst
// objective.
double gap_to(const Standing& member, std::span<const Standing> standings,
              std::span<const std::size_t> run) {
  double least = kInfinity;
  for (const std::size_t i : run) {
    if (!standings[i].is_feasible()) continue;
    double worst = 0;
    for (std::size_t objective = 0; objective < member.costs.size(); ++objective) {
      worst = std::max(worst, share_worse(standings[i].costs[objective], member.costs[objective]));
    }
    least = std::min(least, worst);
  }
  return least;
}

}  // namespace

bool GridCheck::has_missed() const {
  return std::any_of(by_objective.begin(), by_objective.end(),
                     [](const BestCheck& best) { return best.shortfall > 0; });
}

GridCheck check_against(std::span<const Standing> standings, std::span<const std::size_t> run,
                        std::span<const std::optional<std::size_t>> named) {
  GridCheck check;
  check.candidates = static_cast<std::size_t>(
      std::count_if(standings.begin(), standings.end(),
                    [](const Standing& standing) { return standing.has_run; }));
  for (std::size_t objective = 0; objective < named.size(); ++objective) {
    check.by_objective.push_back(check_best(standings, objective, named[objective]));
  }
  for (const std::size_t member : pareto_front(standings)) {
    ++check.front;
    check.front_found += std::find(run.begin(), run.end(), member) != run.end() ? 1 : 0;
    check.front_gap = std::max(check.front_gap, gap_to(standings[member], standings, run));
  }
  return check;
}

}  // namespace moesim::experiments
