// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/candidates.h"

#include <algorithm>
#include <map>
#include <utility>

#include "experiments/sweep/axes.h"
#include "experiments/sweep/sweep_values.h"

namespace moesim::experiments {
namespace {

// Numbers for the values of one key, in the order of their coming.
using ValueNumbers = std::map<std::string, std::uint32_t>;

// The point's values of the keys that are no seeds, in the order of the axes.
Candidate without_seeds(const Sweep& sweep, const Point& point,
                        std::vector<ValueNumbers>& numbers) {
  Candidate candidate;
  std::vector<std::string> keys;
  for (std::size_t axis = 0; axis < sweep.axes.size(); ++axis) {
    const std::string& key = sweep.axes[axis];
    if (is_seed(key)) continue;
    keys.push_back(key);
    const auto value = point.swept.find(key);
    const std::string text = value != point.swept.end()
                                 ? base::to_text(value->second, base::JsonStyle::compact)
                                 : std::string();
    candidate.settings.push_back(
        numbers[axis]
            .emplace(text, static_cast<std::uint32_t>(numbers[axis].size()))
            .first->second);
  }
  candidate.label = label_of(keys, point.swept);
  return candidate;
}

}  // namespace

std::vector<Candidate> candidates_of(const Sweep& sweep) {
  std::vector<Candidate> candidates;
  std::vector<ValueNumbers> numbers(sweep.axes.size());
  std::map<std::string, std::size_t> place_of;
  for (const Point& point : sweep.points) {
    if (!point.excluded.empty()) continue;
    Candidate candidate = without_seeds(sweep, point, numbers);
    const auto [found, is_new] = place_of.emplace(candidate.label, candidates.size());
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
