// SPDX-License-Identifier: Apache-2.0
// What the experts of a model were used for, layer by layer, in total and over time.
#pragma once

#include <cstdint>
#include <vector>

#include "model/balance/load_statistics.h"
#include "model/router/routing_batch.h"

namespace moesim::model {

// One layer's experts over some tokens. A pair is one (token, expert) choice.
struct LayerUsage {
  std::int64_t tokens = 0;
  std::vector<std::int64_t> chosen;  // [num_experts] pairs, dropped ones included
  std::vector<std::int64_t> kept;    // [num_experts] pairs that were computed
  std::vector<double> importance;    // [num_experts] sum of the routing weights of `chosen`

  bool operator==(const LayerUsage&) const = default;
};

// Adds the batch's pairs; empty slots are none. The first batch sets the number of experts.
void add_batch(const RoutingBatch& batch, LayerUsage& usage);

struct UsageFigures {
  LoadStatistics load;      // of `chosen`
  double entropy_nats = 0;  // of `chosen`; log(num_experts) = even
  double drop_rate = 0;     // share of the pairs that were not computed
  int dead_experts = 0;     // never chosen

  bool operator==(const UsageFigures&) const = default;
};

UsageFigures usage_figures(const LayerUsage& usage);

class ExpertUsage {
 public:
  // A history row ends with the batch that brings it to `tokens_per_row` tokens; 0: one a batch.
  explicit ExpertUsage(int num_layers, std::int64_t tokens_per_row = 0);

  // `layer` counts MoE layers from 0. All batches of a layer have the same number of experts.
  void add(int layer, const RoutingBatch& batch);
  // Forgets all, the history and the number of experts too.
  void reset();

  int num_layers() const { return static_cast<int>(totals_.size()); }
  const LayerUsage& total(int layer) const { return totals_[layer]; }
  // Oldest first; the last may still grow.
  const std::vector<LayerUsage>& history(int layer) const { return history_[layer]; }

 private:
  std::int64_t tokens_per_row_;
  std::vector<LayerUsage> totals_;                // [layers]
  std::vector<std::vector<LayerUsage>> history_;  // [layers][rows]
};

}  // namespace moesim::model
