// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/candidates.h"

#include <algorithm>
#include <map>
#include <utility>

namespace moesim::experiments {
namespace {

// The point's values of the axes that are no seeds, in the order of the axes.
Candidate without_seeds(const Sweep& sweep, const Point& point) {
  Candidate candidate;
  for (const std::string& axis : sweep.axes) {
    if (is_seed(axis)) continue;
    const auto value = point.swept.find(axis);
    candidate.settings.emplace_back();
    if (value == point.swept.end()) continue;
    std::string& setting = candidate.settings.back();
    setting = base::to_text(value->second, base::JsonStyle::compact);
    candidate.label += (candidate.label.empty() ? "" : ", ") + axis + "=" + setting;
  }
  return candidate;
}

}  // namespace

bool is_seed(const std::string& axis) { return axis.ends_with("seed"); }

std::vector<Candidate> candidates_of(const Sweep& sweep) {
  std::vector<Candidate> candidates;
  std::map<std::string, std::size_t> number_of;
  for (const Point& point : sweep.points) {
    if (!point.excluded.empty()) continue;
    Candidate candidate = without_seeds(sweep, point);
    const auto [found, is_new] = number_of.emplace(candidate.label, candidates.size());
    if (is_new) candidates.push_back(std::move(candidate));
    candidates[found->second].points.push_back(point.index);
  }
  return candidates;
}

std::vector<std::size_t> points_of(const std::vector<Candidate>& candidates,
                                   const std::vector<std::size_t>& chosen, std::size_t seeds) {
  std::vector<std::size_t> points;
  for (const std::size_t candidate : chosen) {
    const std::vector<std::size_t>& all = candidates[candidate].points;
    points.insert(points.end(), all.begin(),
                  all.begin() + static_cast<std::ptrdiff_t>(std::min(seeds, all.size())));
  }
  return points;
}

}  // namespace moesim::experiments
