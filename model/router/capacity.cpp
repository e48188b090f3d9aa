// SPDX-License-Identifier: Apache-2.0
#include "model/router/capacity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace moesim::model {
namespace {

// The pairs (token * top_k + slot) of each expert, in token order.
std::vector<std::vector<std::size_t>> pairs_by_expert(const RoutingBatch& batch) {
  std::vector<std::vector<std::size_t>> pairs(batch.num_experts);
  for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
    pairs[batch.experts[pair]].push_back(pair);
  }
  return pairs;
}

}  // namespace

base::EnumNames<TokenDropPolicy> names_of(TokenDropPolicy) {
  return {{TokenDropPolicy::probs, "probs"}, {TokenDropPolicy::position, "position"}};
}

int expert_capacity(double capacity_factor, int tokens, int top_k, int num_experts) {
  CHECK(num_experts >= 1, "capacity is shared out among experts");
  const double share = capacity_factor * tokens * top_k / num_experts;
  // 1.1 x 10 is a little above 11 in binary; without the allowance its ceiling would be 12.
  const double slots = std::ceil(share * (1 - 1e-12));
  return static_cast<int>(std::clamp(slots, 1.0, double{std::numeric_limits<int>::max()}));
}

std::vector<std::uint8_t> kept_pairs(const RoutingBatch& batch,
                                     std::optional<double> capacity_factor,
                                     TokenDropPolicy policy) {
  if (!capacity_factor.has_value()) return {};
  const auto capacity = static_cast<std::size_t>(
      expert_capacity(*capacity_factor, batch.tokens, batch.top_k, batch.num_experts));
  std::vector<std::uint8_t> kept(batch.experts.size(), 1);
  // A weight that is not a number, as diverging training makes them, counts as the lowest; it must
  // not break the order that std::nth_element relies on.
  const auto weight = [&](std::size_t pair) {
    return std::isnan(batch.weights[pair]) ? -1.0F : batch.weights[pair];
  };
  const auto served_first = [&](std::size_t a, std::size_t b) {
    return weight(a) != weight(b) ? weight(a) > weight(b) : a < b;
  };
  for (std::vector<std::size_t>& pairs : pairs_by_expert(batch)) {
    if (pairs.size() <= capacity) continue;
    const auto first_dropped = pairs.begin() + static_cast<std::ptrdiff_t>(capacity);
    if (policy == TokenDropPolicy::probs) {
      std::nth_element(pairs.begin(), first_dropped, pairs.end(), served_first);
    }
    std::for_each(first_dropped, pairs.end(), [&](std::size_t pair) { kept[pair] = 0; });
  }
  return kept;
}

}  // namespace moesim::model
