// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/prospects.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace moesim::experiments {
namespace {

std::size_t differing_settings(const Candidate& a, const Candidate& b) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.settings.size(); ++i) {
    count += a.settings[i] != b.settings[i] ? 1 : 0;
  }
  return count;
}

// Those that were screened and have run in full.
std::vector<std::size_t> compared_ones(const CandidateFigures& screened,
                                       const CandidateFigures& full) {
  std::vector<std::size_t> compared;
  for (std::size_t i = 0; i < full.size(); ++i) {
    if (!full[i].empty() && !screened[i].empty()) compared.push_back(i);
  }
  return compared;
}

// Of these the ones that differ from the candidate in the fewest settings.
std::vector<std::size_t> nearest(const std::vector<Candidate>& candidates,
                                 const std::vector<std::size_t>& compared, std::size_t candidate) {
  std::vector<std::size_t> found;
  std::size_t least = candidates[candidate].settings.size();
  for (const std::size_t i : compared) {
    const std::size_t distance = differing_settings(candidates[i], candidates[candidate]);
    if (distance > least) continue;
    if (distance < least) found.clear();
    least = distance;
    found.push_back(i);
  }
  return found;
}

double corrected(double screened, double neighbour_screened, double neighbour_full) {
  if (screened == 0 || neighbour_screened == 0) {
    return screened + (neighbour_full - neighbour_screened);
  }
  return screened * (neighbour_full / neighbour_screened);
}

// The candidate's figures on the screen, corrected by what running in full made of its neighbours.
std::vector<double> figures_beside(const std::vector<std::size_t>& neighbours,
                                   const CandidateFigures& screened, const CandidateFigures& full,
                                   std::size_t candidate) {
  std::vector<double> figures = screened[candidate];
  for (std::size_t i = 0; i < figures.size(); ++i) {
    double sum = 0;
    int count = 0;
    for (const std::size_t neighbour : neighbours) {
      const double figure =
          corrected(screened[candidate][i], screened[neighbour][i], full[neighbour][i]);
      if (!std::isfinite(figure)) continue;  // the neighbour has none of that name
      sum += figure;
      ++count;
    }
    if (count > 0) figures[i] = sum / count;
  }
  return figures;
}

struct Prospect {
  std::size_t candidate = 0;
  Standing standing;
};

// The best by one objective; of equals the best by the others in their order.
std::size_t best_by(const std::vector<Prospect>& prospects, std::size_t objective) {
  const auto rank = [&](const Prospect& prospect) {
    return std::tie(prospect.standing.violation, prospect.standing.costs[objective],
                    prospect.standing.costs);
  };
  const auto best =
      std::min_element(prospects.begin(), prospects.end(),
                       [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
  return static_cast<std::size_t>(best - prospects.begin());
}

}  // namespace

std::vector<double> predicted_figures(const std::vector<Candidate>& candidates,
                                      const CandidateFigures& screened,
                                      const CandidateFigures& full, std::size_t candidate) {
  const std::vector<std::size_t> compared = compared_ones(screened, full);
  return figures_beside(nearest(candidates, compared, candidate), screened, full, candidate);
}

std::vector<std::size_t> prospects_of(const Goals& goals, const std::vector<Candidate>& candidates,
                                      const CandidateFigures& screened,
                                      const CandidateFigures& full, std::size_t count) {
  const std::vector<std::size_t> compared = compared_ones(screened, full);
  std::vector<Prospect> prospects;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (screened[i].empty() || !full[i].empty()) continue;
    const std::vector<double> figures =
        figures_beside(nearest(candidates, compared, i), screened, full, i);
    prospects.push_back({i, standing_of(goals, figures, false)});
  }
  std::vector<std::size_t> chosen;
  for (std::size_t turn = 0; chosen.size() < count && !prospects.empty(); ++turn) {
    const std::size_t best = best_by(prospects, turn % goals.objectives.size());
    chosen.push_back(prospects[best].candidate);
    prospects.erase(prospects.begin() + static_cast<std::ptrdiff_t>(best));
  }
  return chosen;
}

}  // namespace moesim::experiments
