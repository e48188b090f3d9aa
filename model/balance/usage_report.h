// SPDX-License-Identifier: Apache-2.0
// What an expert usage says to its reader.
#pragma once

#include <string>
#include <vector>

#include "model/balance/expert_usage.h"

namespace moesim::model {

constexpr double kRebalanceThreshold = 0.5;

// Whether the load's variance over experts (of the population, in pairs^2) is above `threshold` x
// the mean load. Choices made by chance have a ratio of about 1, and it grows with the number of
// tokens where the gate itself is uneven, so the answer is about all tokens counted, not about a
// share: reset the usage for an answer about recent ones. False for no tokens.
bool should_rebalance(const LayerUsage& usage, double threshold = kRebalanceThreshold);
// Whether any layer should.
bool should_rebalance(const ExpertUsage& usage, double threshold = kRebalanceThreshold);

struct ReportSettings {
  std::vector<int> blocks;  // [layers] each MoE layer's number among all blocks; empty: 0, 1, ...
  double threshold = kRebalanceThreshold;
};

// A table with a line for each layer and one for their means; then which layers to rebalance. Ends
// in a newline.
std::string load_balancing_report(const ExpertUsage& usage, const ReportSettings& settings = {});

}  // namespace moesim::model
