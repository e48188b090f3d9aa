// SPDX-License-Identifier: Apache-2.0
#include "model/balance/usage_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace moesim::model {
namespace {

double mean_load(const LayerUsage& usage) {
  const auto sum = std::accumulate(usage.chosen.begin(), usage.chosen.end(), std::int64_t{0});
  return static_cast<double>(sum) / static_cast<double>(usage.chosen.size());
}

std::string figures_text(const UsageFigures& figures) {
  return fmt::format("{:>9.2f} %  {:>8.3f}  {:>6.3f}  {:>6.3f}  {:>7.4f}  {:>7.4f}",
                     100 * figures.drop_rate, figures.load.max_over_mean, figures.load.cv,
                     figures.load.gini, figures.load.entropy, figures.entropy_nats);
}

// "3 (18.2 %)", the expert's share of the layer's pairs.
std::string expert_text(const LayerUsage& usage, std::vector<std::int64_t>::const_iterator load) {
  const double total = mean_load(usage) * static_cast<double>(usage.chosen.size());
  const double share = total > 0 ? static_cast<double>(*load) / total : 0;
  return fmt::format("{} ({:.1f} %)", load - usage.chosen.begin(), 100 * share);
}

int number_of(int layer, const ReportSettings& settings) {
  return settings.blocks.empty() ? layer : settings.blocks[static_cast<std::size_t>(layer)];
}

// `number` is the layer's in the report.
std::string layer_line(int number, const LayerUsage& usage) {
  if (usage.chosen.empty()) return fmt::format("{:>5}  no tokens\n", number);
  const UsageFigures figures = usage_figures(usage);
  const auto most = std::max_element(usage.chosen.begin(), usage.chosen.end());
  const auto least = std::min_element(usage.chosen.begin(), usage.chosen.end());
  return fmt::format("{:>5}  {:>10}  {}  {:>4}  {:>12}  {:>12}\n", number, usage.tokens,
                     figures_text(figures), figures.dead_experts, expert_text(usage, most),
                     expert_text(usage, least));
}

// The means of the layers that saw tokens; "" where at most one did.
std::string mean_line(const ExpertUsage& usage) {
  std::vector<LoadStatistics> loads;
  UsageFigures mean;
  for (int layer = 0; layer < usage.num_layers(); ++layer) {
    if (usage.total(layer).chosen.empty()) continue;
    const UsageFigures figures = usage_figures(usage.total(layer));
    loads.push_back(figures.load);
    mean.entropy_nats += figures.entropy_nats;
    mean.drop_rate += figures.drop_rate;
  }
  if (loads.size() < 2) return {};
  mean.load = mean_of(loads);
  mean.entropy_nats /= static_cast<double>(loads.size());
  mean.drop_rate /= static_cast<double>(loads.size());
  return fmt::format("{:>5}  {:>10}  {}\n", "mean", "", figures_text(mean));
}

std::string rebalance_line(const ExpertUsage& usage, const ReportSettings& settings) {
  std::string layers;
  for (int layer = 0; layer < usage.num_layers(); ++layer) {
    if (!should_rebalance(usage.total(layer), settings.threshold)) continue;
    layers += fmt::format("{}{}", layers.empty() ? "" : ", ", number_of(layer, settings));
  }
  return fmt::format("load variance above {} x mean load: {}\n", settings.threshold,
                     layers.empty() ? "in no layer" : "layers " + layers);
}

}  // namespace

bool should_rebalance(const LayerUsage& usage, double threshold) {
  if (usage.chosen.empty()) return false;
  const double mean = mean_load(usage);
  const double cv = load_statistics(usage.chosen).cv;
  return cv * cv * mean > threshold;
}

bool should_rebalance(const ExpertUsage& usage, double threshold) {
  for (int layer = 0; layer < usage.num_layers(); ++layer) {
    if (should_rebalance(usage.total(layer), threshold)) return true;
  }
  return false;
}

std::string load_balancing_report(const ExpertUsage& usage, const ReportSettings& settings) {
  std::string report = fmt::format(
      "{:>5}  {:>10}  {:>11}  {:>8}  {:>6}  {:>6}  {:>7}  {:>7}  {:>4}  {:>12}  {:>12}\n", "layer",
      "tokens", "dropped", "max/mean", "cv", "gini", "entropy", "nats", "dead", "most used",
      "least used");
  for (int layer = 0; layer < usage.num_layers(); ++layer) {
    report += layer_line(number_of(layer, settings), usage.total(layer));
  }
  return report + mean_line(usage) + rebalance_line(usage, settings);
}

}  // namespace moesim::model
