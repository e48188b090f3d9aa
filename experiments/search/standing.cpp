// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/standing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moesim::experiments {
namespace {

using Indices = std::vector<std::size_t>;

Indices feasible_ones(std::span<const Standing> standings) {
  Indices found;
  for (std::size_t i = 0; i < standings.size(); ++i) {
    if (standings[i].is_feasible()) found.push_back(i);
  }
  return found;
}

// The feasible ones front by front. In the order of their costs nobody is dominated by a later one,
// so each joins the first front without one that dominates it; and where a front has such a one, so
// has each before it, so that the first without is found by halving (efficient non-dominated sort,
// ENS-BS, Zhang et al. 2015).
std::vector<Indices> fronts_of(std::span<const Standing> standings) {
  Indices order = feasible_ones(standings);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return standings[a].costs < standings[b].costs;
  });
  std::vector<Indices> fronts;
  for (const std::size_t candidate : order) {
    const auto beats = [&](const Indices& front) {
      return std::any_of(front.rbegin(), front.rend(), [&](std::size_t member) {
        return dominates(standings[member], standings[candidate]);
      });
    };
    const auto front = std::partition_point(fronts.begin(), fronts.end(), beats);
    if (front == fronts.end()) {
      fronts.push_back({candidate});
    } else {
      front->push_back(candidate);
    }
  }
  return fronts;
}

// Adds to each member's room the distance between its neighbours by one objective, as a share of
// the front's extent. The best by it has more room than any other, those of earlier objectives the
// most.
void add_room(std::span<const Standing> standings, const Indices& front, std::size_t objective,
              std::vector<double>& room) {
  const auto cost = [&](std::size_t member) { return standings[front[member]].costs[objective]; };
  Indices order(front.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return cost(a) < cost(b); });
  const double extent = cost(order.back()) - cost(order.front());
  room[order.front()] += std::ldexp(1.0, 60 - static_cast<int>(objective));
  if (!std::isfinite(extent) || extent <= 0) return;
  for (std::size_t i = 1; i + 1 < order.size(); ++i) {
    room[order[i]] += (cost(order[i + 1]) - cost(order[i - 1])) / extent;
  }
  // The far end counts its one neighbour twice.
  if (order.size() > 1) {
    room[order.back()] += 2 * (cost(order.back()) - cost(order[order.size() - 2])) / extent;
  }
}

Indices by_room(std::span<const Standing> standings, const Indices& front) {
  std::vector<double> room(front.size(), 0);
  const std::size_t objectives = standings[front.front()].costs.size();
  for (std::size_t i = 0; i < objectives; ++i) add_room(standings, front, i, room);
  Indices order(front.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return room[a] > room[b]; });
  Indices sorted;
  for (const std::size_t member : order) sorted.push_back(front[member]);
  return sorted;
}

Indices infeasible_ones(std::span<const Standing> standings) {
  Indices found;
  for (std::size_t i = 0; i < standings.size(); ++i) {
    if (standings[i].has_run && !standings[i].is_feasible()) found.push_back(i);
  }
  std::stable_sort(found.begin(), found.end(), [&](std::size_t a, std::size_t b) {
    return standings[a].violation < standings[b].violation;
  });
  return found;
}

}  // namespace

bool dominates(const Standing& a, const Standing& b) {
  bool is_better = false;
  for (std::size_t i = 0; i < a.costs.size(); ++i) {
    if (a.costs[i] > b.costs[i]) return false;
    is_better = is_better || a.costs[i] < b.costs[i];
  }
  return is_better;
}

Indices pareto_front(std::span<const Standing> standings) {
  const std::vector<Indices> fronts = fronts_of(standings);
  if (fronts.empty()) return {};
  Indices front = fronts.front();
  std::sort(front.begin(), front.end());
  return front;
}

Indices best_of(std::span<const Standing> standings, std::size_t count) {
  Indices best;
  for (const Indices& front : fronts_of(standings)) {
    if (best.size() >= count) break;
    const Indices sorted = by_room(standings, front);
    best.insert(best.end(), sorted.begin(), sorted.end());
  }
  const Indices rest = infeasible_ones(standings);
  best.insert(best.end(), rest.begin(), rest.end());
  best.resize(std::min(best.size(), count));
  return best;
}

}  // namespace moesim::experiments
