// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/left_out.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace moesim::experiments {
namespace {

// Figures that fall with time.
constexpr std::array<std::string_view, 4> kOfSpeed = {"tokens_per_s", "tokens_per_s_per_gpu",
                                                      "tflops_per_gpu", "mfu"};
// Figures that the routing alone decides, at any fidelity.
constexpr std::array<std::string_view, 7> kOfRouting = {
    "drop_rate",   "padding_share", "validation_loss", "memory_bytes_per_rank",
    "expert_load", "rank_load",     "expert_demand"};

template <class List>
bool is_among(const List& list, std::string_view figure) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view name) {
    return figure == name || figure.starts_with(std::string(name) + ".");
  });
}

// True where less time makes the objective's figure better.
bool wants_speed(const Objective& objective) {
  if (objective.figure == "step_time_s") return objective.direction == Direction::min;
  return objective.direction == Direction::max && is_among(kOfSpeed, objective.figure);
}

}  // namespace

std::optional<BestLeftOut> left_out_of(const Goals& goals,
                                       const std::vector<std::vector<double>>& screened,
                                       const std::vector<std::size_t>& full, const Rung& screen) {
  std::vector<bool> has_run(screened.size(), false);
  for (const std::size_t i : full) has_run[i] = true;
  std::optional<BestLeftOut> left_out;
  double best_cost = 0;
  for (std::size_t i = 0; i < screened.size(); ++i) {
    if (has_run[i]) continue;
    const Standing standing = standing_of(goals, screened[i], screen.shortens_training);
    if (!standing.is_feasible()) continue;
    const double cost = standing.costs.front();
    if (left_out && cost >= best_cost) continue;
    best_cost = cost;
    left_out = BestLeftOut{screened.size() - full.size(), i, screened[i].front(), false};
  }
  return left_out;
}

bool is_bound_of(const Goals& goals, const Rung& screen, const Sweep& sweep,
                 const Experiment& experiment) {
  const bool is_floor = screen.fidelity == sim::Fidelity::analytic && !screen.shortens_training;
  const bool has_faults =
      !experiment.scenario.faults.empty() ||
      std::any_of(sweep.axes.begin(), sweep.axes.end(), [](const std::string& axis) {
        return axis == "faults" || axis.starts_with("faults.");
      });
  const auto& constraints = goals.constraints;
  return is_floor && !has_faults && goals.objectives.size() == 1 &&
         wants_speed(goals.objectives.front()) &&
         std::all_of(constraints.begin(), constraints.end(),
                     [](const auto& constraint) { return is_among(kOfRouting, constraint.first); });
}

}  // namespace moesim::experiments
