// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/goals.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"

namespace moesim::experiments {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double cost_of(double figure, Direction direction) {
  if (std::isnan(figure)) return kInfinity;
  return direction == Direction::max ? -figure : figure;
}

// How far the figure is outside, as a share of the bound (of 1 where the bound is 0).
double excess(double figure, const Bounds& bounds) {
  if (std::isnan(figure)) return kInfinity;
  const auto share = [](double distance, double bound) {
    return distance <= 0 ? 0.0 : distance / (bound == 0 ? 1.0 : std::abs(bound));
  };
  return (bounds.max ? share(figure - *bounds.max, *bounds.max) : 0.0) +
         (bounds.min ? share(*bounds.min - figure, *bounds.min) : 0.0);
}

}  // namespace

Goals goals_of(const Sweep& sweep) {
  Goals goals{sweep.objectives, sweep.constraints};
  if (goals.objectives.empty()) goals.objectives = {{"tokens_per_s_per_gpu", Direction::max}};
  return goals;
}

std::vector<std::string> figures_of(const Goals& goals) {
  std::vector<std::string> figures;
  for (const Objective& objective : goals.objectives) figures.push_back(objective.figure);
  for (const auto& [figure, bounds] : goals.constraints) {
    if (std::find(figures.begin(), figures.end(), figure) == figures.end()) {
      figures.push_back(figure);
    }
  }
  return figures;
}

PointRows::PointRows(const StoredRun& run) : run_(run) {
  for (const StoredPoint& point : run.points) {
    if (point.status != "ok") continue;
    if (rows_.size() <= point.index) rows_.resize(point.index + 1, nullptr);
    rows_[point.index] = &point;
  }
}

const StoredPoint* PointRows::find(std::size_t index) const {
  return index < rows_.size() ? rows_[index] : nullptr;
}

MeanInterval PointRows::mean(const std::string& figure, std::span<const std::size_t> points) const {
  std::vector<double> values;
  for (const std::size_t point : points) {
    if (const StoredPoint* row = find(point)) values.push_back(run_.figure(*row, figure));
  }
  return mean_interval(values);
}

std::vector<double> figures_over(const Goals& goals, const PointRows& rows,
                                 std::span<const std::size_t> points) {
  const bool has_run = std::any_of(points.begin(), points.end(),
                                   [&](std::size_t point) { return rows.find(point) != nullptr; });
  std::vector<double> figures;
  if (!has_run) return figures;
  for (const std::string& figure : figures_of(goals)) {
    figures.push_back(rows.mean(figure, points).mean);
  }
  return figures;
}

void require_figures(const base::JsonValue& document, const Goals& goals,
                     const std::vector<std::vector<double>>& figures) {
  const std::vector<std::string> names = figures_of(goals);
  const bool any_has_run = std::any_of(figures.begin(), figures.end(),
                                       [](const auto& candidate) { return !candidate.empty(); });
  for (std::size_t i = 0; any_has_run && i < names.size(); ++i) {
    const bool is_there = std::any_of(figures.begin(), figures.end(), [&](const auto& candidate) {
      return !candidate.empty() && !std::isnan(candidate[i]);
    });
    if (is_there) continue;
    const bool is_objective = i < goals.objectives.size();
    throw base::Error(
        place_of_figure(document, is_objective ? "objectives" : "constraints", names[i]),
        "no point that ran has " + names[i],
        "docs/reference.md, \"Result keys\", says which points have it: validation_loss is of "
        "routing.source numerics");
  }
}

Standing standing_of(const Goals& goals, std::span<const double> figures, bool training_is_short) {
  const std::vector<std::string> names = figures_of(goals);
  const auto figure = [&](const std::string& name) {
    if (figures.empty()) return std::numeric_limits<double>::quiet_NaN();
    return figures[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) -
                                            names.begin())];
  };
  Standing standing;
  for (const Objective& objective : goals.objectives) {
    standing.costs.push_back(cost_of(figure(objective.figure), objective.direction));
  }
  standing.has_run = !figures.empty();
  for (const auto& [name, bounds] : goals.constraints) {
    if (!training_is_short) {
      standing.violation += excess(figure(name), bounds);
      continue;
    }
    if (bounds.max) standing.costs.push_back(cost_of(figure(name), Direction::min));
    if (bounds.min) standing.costs.push_back(cost_of(figure(name), Direction::max));
  }
  return standing;
}

}  // namespace moesim::experiments
