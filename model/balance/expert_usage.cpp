// SPDX-License-Identifier: Apache-2.0
#include "model/balance/expert_usage.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace moesim::model {

void add_batch(const RoutingBatch& batch, LayerUsage& usage) {
  if (usage.chosen.empty()) {
    usage.chosen.resize(batch.num_experts);
    usage.kept.resize(batch.num_experts);
    usage.importance.resize(batch.num_experts);
  }
  CHECK(static_cast<int>(usage.chosen.size()) == batch.num_experts,
        "a layer keeps its number of experts until its usage is reset");
  usage.tokens += batch.tokens;
  for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
    const std::int32_t expert = batch.experts[pair];
    if (expert == kNoExpert) continue;
    ++usage.chosen[expert];
    if (batch.is_kept(pair)) ++usage.kept[expert];
    usage.importance[expert] += static_cast<double>(batch.weights[pair]);
  }
}

UsageFigures usage_figures(const LayerUsage& usage) {
  UsageFigures figures;
  figures.load = load_statistics(usage.chosen);
  if (usage.chosen.empty()) return figures;
  figures.entropy_nats = figures.load.entropy * std::log(static_cast<double>(usage.chosen.size()));
  const auto chosen = std::accumulate(usage.chosen.begin(), usage.chosen.end(), std::int64_t{0});
  const auto kept = std::accumulate(usage.kept.begin(), usage.kept.end(), std::int64_t{0});
  if (chosen > 0) {
    figures.drop_rate = static_cast<double>(chosen - kept) / static_cast<double>(chosen);
  }
  figures.dead_experts =
      static_cast<int>(std::count(usage.chosen.begin(), usage.chosen.end(), std::int64_t{0}));
  return figures;
}

ExpertUsage::ExpertUsage(int num_layers, std::int64_t tokens_per_row)
    : tokens_per_row_(tokens_per_row), totals_(num_layers), history_(num_layers) {}

void ExpertUsage::add(int layer, const RoutingBatch& batch) {
  CHECK(layer >= 0 && layer < num_layers(), "the layer is one of the model's");
  std::vector<LayerUsage>& rows = history_[layer];
  if (rows.empty() || rows.back().tokens >= tokens_per_row_) rows.emplace_back();
  add_batch(batch, rows.back());
  add_batch(batch, totals_[layer]);
}

void ExpertUsage::reset() {
  totals_.assign(totals_.size(), {});
  history_.assign(history_.size(), {});
}

}  // namespace moesim::model
