// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/left_out.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace moesim::experiments {
namespace {

// Figures that more time on the network makes worse.
constexpr std::array<std::string_view, 5> kFallWithTime = {
    "step_time_s", "tokens_per_s", "tokens_per_s_per_gpu", "tflops_per_gpu", "mfu"};
// Figures that the routing alone decides, at any fidelity.
constexpr std::array<std::string_view, 5> kOfRouting = {
    "drop_rate", "padding_share", "validation_loss", "memory_bytes_per_rank", "expert_load"};

template <class List>
bool is_among(const List& list, std::string_view figure) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view name) {
    return figure == name || figure.starts_with(std::string(name) + ".");
  });
}

}  // namespace

std::optional<LeftOut> left_out_of(const Goals& goals,
                                   const std::vector<std::vector<double>>& screened,
                                   const std::vector<std::size_t>& full, const Rung& screen) {
  std::optional<LeftOut> left_out;
  double best_cost = 0;
  for (std::size_t i = 0; i < screened.size(); ++i) {
    if (std::find(full.begin(), full.end(), i) != full.end()) continue;
    const Standing standing = standing_of(goals, screened[i], screen.shortens_training);
    if (standing.violation != 0) continue;
    const double cost = standing.costs.front();
    if (left_out && cost >= best_cost) continue;
    best_cost = cost;
    left_out = LeftOut{screened.size() - full.size(), i, screened[i].front(), false};
  }
  return left_out;
}

bool is_bound_of(const Goals& goals, const Rung& screen, bool has_seeds) {
  return screen.name == "analytic" && !has_seeds && goals.objectives.size() == 1 &&
         is_among(kFallWithTime, goals.objectives.front().figure) &&
         std::all_of(goals.constraints.begin(), goals.constraints.end(),
                     [](const auto& constraint) { return is_among(kOfRouting, constraint.first); });
}

}  // namespace moesim::experiments
