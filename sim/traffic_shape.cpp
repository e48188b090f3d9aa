// SPDX-License-Identifier: Apache-2.0
#include "sim/traffic_shape.h"

#include <numeric>
#include <string>

#include "base/error.h"
#include "sim/plan/placement.h"
#include "sim/routing/synthetic_routing.h"

namespace moesim::sim {
namespace {

constexpr int kTokens = 1 << 20;  // of a mean rank: what w4 rounds away is less than 1e-6 of it
constexpr int kBurstLayer = 3;    // w7 bursts in every fourth layer

}  // namespace

std::vector<base::Bytes> shaped_traffic(const SyntheticSettings& settings, std::uint64_t seed,
                                        int num_ranks, base::Bytes mean_bytes) {
  if (uses_hot_rank(settings.distribution) && settings.hot_rank >= num_ranks) {
    throw base::Error(
        "/routing/synthetic/hot_rank",
        std::to_string(settings.hot_rank) + " is not among " + std::to_string(num_ranks) + " ranks",
        "use 0 to " + std::to_string(num_ranks - 1));
  }
  RoutingDemand demand;
  demand.num_moe_layers = kBurstLayer + 1;
  demand.num_experts = num_ranks;
  demand.top_k = 1;
  demand.num_ranks = num_ranks;
  demand.num_micro_batches = 1;
  demand.tokens_per_rank = kTokens;
  demand.placement = place_experts(ExpertPlacement::contiguous, num_ranks, num_ranks);
  const int layer = settings.distribution == Distribution::w7_burst ? kBurstLayer : 0;
  const std::vector<double> weights = expert_weights(settings, seed, demand, 0, layer);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<base::Bytes> bytes;
  bytes.reserve(weights.size() * weights.size());
  for (int source = 0; source < num_ranks; ++source) {
    const double tokens = tokens_of_rank(settings, demand, source);
    for (const double weight : weights) {
      bytes.push_back(mean_bytes * (tokens / kTokens) * (weight / sum));
    }
  }
  return bytes;
}

}  // namespace moesim::sim
