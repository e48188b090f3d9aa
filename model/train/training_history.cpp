// SPDX-License-Identifier: Apache-2.0
#include "model/train/training_history.h"

#include <numbers>

#include "base/check.h"

namespace moesim::model {
namespace {

template <class T>
void add_each(const std::vector<T>& from, std::vector<T>& to) {
  CHECK(from.size() == to.size(), "a layer keeps its number of experts");
  for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i];
}

void add_layers(const std::vector<LayerUsage>& from, std::vector<LayerUsage>& to) {
  CHECK(from.size() == to.size(), "a model keeps its number of MoE layers");
  for (std::size_t layer = 0; layer < from.size(); ++layer) {
    to[layer].tokens += from[layer].tokens;
    add_each(from[layer].chosen, to[layer].chosen);
    add_each(from[layer].kept, to[layer].kept);
    add_each(from[layer].importance, to[layer].importance);
  }
}

}  // namespace

void record_usage(int step, int steps_per_row, const std::vector<LayerUsage>& usage,
                  TrainingHistory& history) {
  std::vector<UsageRow>& rows = history.usage;
  if (rows.empty() || step - rows.back().first_step >= steps_per_row) {
    rows.push_back({step, step, usage});
    return;
  }
  rows.back().last_step = step;
  add_layers(usage, rows.back().layers);
}

std::vector<LayerUsage> total_usage(const TrainingHistory& history) {
  if (history.usage.empty()) return {};
  std::vector<LayerUsage> total = history.usage.front().layers;
  for (std::size_t row = 1; row < history.usage.size(); ++row) {
    add_layers(history.usage[row].layers, total);
  }
  return total;
}

double bits_per_byte(double nats) { return nats / std::numbers::ln2; }

}  // namespace moesim::model
