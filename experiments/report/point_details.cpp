// SPDX-License-Identifier: Apache-2.0
#include "experiments/report/point_details.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

namespace moesim::experiments {
namespace {

using base::JsonValue;

constexpr std::size_t kMostWithAllDetails = 200;
constexpr std::size_t kBest = 10;
constexpr std::array<const char*, 7> kShown = {"routing_source", "cost_source", "deciding_tier",
                                               "hottest_links",  "link_tiers",  "jobs",
                                               "warnings"};
constexpr std::array<const char*, 3> kLoads = {"expert_load", "expert_demand", "rank_load"};

bool has_figure(const StoredRun& run, const std::string& name) {
  return std::any_of(run.points.begin(), run.points.end(), [&](const StoredPoint& point) {
    return std::isfinite(run.figure(point, name));
  });
}

std::vector<Objective> those_with_figures(const StoredRun& run,
                                          const std::vector<Objective>& objectives) {
  std::vector<Objective> found;
  for (const Objective& objective : objectives) {
    if (has_figure(run, objective.figure)) found.push_back(objective);
  }
  return found;
}

JsonValue layers_of(const JsonValue& load) {
  JsonValue list = base::json_array();
  const JsonValue* layers = load.find("per_layer");
  if (layers == nullptr) return list;
  for (const JsonValue& layer : layers->items) {
    const JsonValue* figure = layer.find("max_over_mean");
    list.items.push_back(figure != nullptr ? *figure : JsonValue());
  }
  return list;
}

bool decides_routing_source(const std::string& key) {
  return key == "routing" || key == "routing.source" || key == "routing.trace" ||
         key == "routing.synthetic" || key == "routing.synthetic.distribution" ||
         key.starts_with("routing.proxy") || key.starts_with("jobs");
}

std::string routing_group(const StoredPoint& point) {
  std::string group;
  for (const auto& [key, value] : point.swept) {
    if (decides_routing_source(key)) {
      group += key + "=" + base::to_text(value, base::JsonStyle::compact) + "\n";
    }
  }
  return group;
}

}  // namespace

std::vector<Objective> shown_objectives(const StoredRun& run,
                                        const std::vector<Objective>& wanted) {
  const std::vector<Objective> shown = those_with_figures(run, wanted);
  if (!shown.empty()) return shown;
  return those_with_figures(run, {{"tokens_per_s_per_gpu", Direction::max},
                                  {"drop_rate", Direction::min},
                                  {"validation_loss", Direction::min}});
}

std::vector<std::size_t> best_points(const StoredRun& run, const Objective& objective,
                                     std::size_t count) {
  const double sign = objective.direction == Direction::max ? -1 : 1;
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t row = 0; row < run.points.size(); ++row) {
    const double figure = run.figure(run.points[row], objective.figure);
    if (std::isfinite(figure)) order.emplace_back(sign * figure, row);
  }
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end());
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < count; ++i) rows.push_back(order[i].second);
  return rows;
}

std::vector<std::size_t> detailed_points(const StoredRun& run,
                                         const std::vector<Objective>& objectives) {
  std::set<std::size_t> rows;
  if (run.points.size() <= kMostWithAllDetails) {
    for (std::size_t row = 0; row < run.points.size(); ++row) rows.insert(row);
  }
  for (const Objective& objective : objectives) {
    for (const std::size_t row : best_points(run, objective, kBest)) rows.insert(row);
  }
  std::erase_if(rows, [&](std::size_t row) { return run.points[row].status != "ok"; });
  return {rows.begin(), rows.end()};
}

JsonValue details_of(const JsonValue& row) {
  JsonValue details = base::json_object();
  for (const char* key : kShown) {
    if (const JsonValue* value = row.find(key)) base::add_member(details, key, *value);
  }
  JsonValue& layers = base::add_member(details, "load_by_layer", base::json_object());
  for (const char* key : kLoads) {
    if (const JsonValue* load = row.find(key)) base::add_member(layers, key, layers_of(*load));
  }
  return details;
}

std::vector<JsonValue> routing_sources(const StoredRun& run) {
  std::map<std::string, JsonValue> known;
  std::vector<JsonValue> sources;
  for (const StoredPoint& point : run.points) {
    JsonValue& source = sources.emplace_back();
    if (point.status != "ok") continue;
    const auto [found, is_new] = known.emplace(routing_group(point), JsonValue());
    if (is_new) {
      const JsonValue row = read_row(run, point);
      if (const JsonValue* text = row.find("routing_source")) found->second = *text;
    }
    source = found->second;
  }
  return sources;
}

}  // namespace moesim::experiments
