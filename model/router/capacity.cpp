// SPDX-License-Identifier: Apache-2.0
#include "model/router/capacity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/error.h"

namespace moesim::model {
namespace {

using Pairs = std::vector<std::size_t>;  // token * top_k + slot, ascending unless said otherwise

// Says which of two pairs is served first. A weight that is not a number, as diverging training
// makes them, counts as the lowest; it must not break the order that the sorts rely on.
class ServedFirst {
 public:
  ServedFirst(const RoutingBatch& batch, TokenDropPolicy policy)
      : weights_(policy == TokenDropPolicy::probs ? batch.weights.data() : nullptr) {}

  bool operator()(std::size_t a, std::size_t b) const {
    if (weights_ == nullptr) return a < b;
    const float first = weight(a);
    const float second = weight(b);
    return first != second ? first > second : a < b;
  }

 private:
  float weight(std::size_t pair) const {
    return std::isnan(weights_[pair]) ? -1.0F : weights_[pair];
  }

  const float* weights_;  // null: by position
};

// Experts or ranks, each with so many slots.
struct Limits {
  int capacity = std::numeric_limits<int>::max();
  std::vector<int> taken;  // pairs kept so far

  bool has_room(int i) const { return taken[i] < capacity; }
};

struct Slots {
  Limits experts;
  Limits ranks;
  std::vector<int> rank_of;  // [num_experts]

  bool has_room(int expert) const {
    return experts.has_room(expert) && ranks.has_room(rank_of[expert]);
  }
  void take(int expert) {
    ++experts.taken[expert];
    ++ranks.taken[rank_of[expert]];
  }
};

Slots empty_slots(const RouterConfig& config, const RoutingBatch& batch) {
  const int num_ranks = config.rank_capacity_factor ? config.capacity_ranks : 1;
  Slots slots;
  slots.experts.taken.assign(batch.num_experts, 0);
  slots.ranks.taken.assign(num_ranks, 0);
  for (int e = 0; e < batch.num_experts; ++e) {
    slots.rank_of.push_back(rank_of_expert(e, batch.num_experts, num_ranks));
  }
  if (config.capacity_factor) {
    slots.experts.capacity = std::max(
        config.min_capacity,
        expert_capacity(*config.capacity_factor, batch.tokens, batch.top_k, batch.num_experts));
  }
  if (config.rank_capacity_factor) {
    slots.ranks.capacity =
        expert_capacity(*config.rank_capacity_factor, batch.tokens, batch.top_k, num_ranks);
  }
  return slots;
}

// Turns away what the experts, or the ranks, have no slot for; owner_of(expert) is the one or the
// other.
template <class OwnerOf>
void turn_away(const Limits& limits, const ServedFirst& served_first, const OwnerOf& owner_of,
               RoutingBatch& batch) {
  if (limits.capacity == std::numeric_limits<int>::max()) return;
  std::vector<Pairs> pairs(limits.taken.size());
  for (std::size_t pair = 0; pair < batch.kept.size(); ++pair) {
    if (batch.kept[pair] != 0) pairs[owner_of(batch.experts[pair])].push_back(pair);
  }
  const auto capacity = static_cast<std::size_t>(limits.capacity);
  for (Pairs& of_one : pairs) {
    if (of_one.size() <= capacity) continue;
    const auto first_out = of_one.begin() + static_cast<std::ptrdiff_t>(capacity);
    std::nth_element(of_one.begin(), first_out, of_one.end(), served_first);
    std::for_each(first_out, of_one.end(), [&](std::size_t pair) { batch.kept[pair] = 0; });
  }
}

// Those that `before` kept and the batch does not, in the order of service.
Pairs turned_away(const std::vector<std::uint8_t>& before, const RoutingBatch& batch,
                  const ServedFirst& served_first) {
  Pairs pairs;
  for (std::size_t pair = 0; pair < before.size(); ++pair) {
    if (before[pair] != 0 && batch.kept[pair] == 0) pairs.push_back(pair);
  }
  std::sort(pairs.begin(), pairs.end(), served_first);
  return pairs;
}

// The best expert with room that is not among `chosen`, or kNoExpert.
template <class S>
std::int32_t best_with_room(const Slots& slots, std::span<const S> scores,
                            std::span<const std::int32_t> chosen) {
  std::int32_t best = kNoExpert;
  for (std::int32_t e = 0; e < static_cast<std::int32_t>(scores.size()); ++e) {
    if (!slots.has_room(e) || std::find(chosen.begin(), chosen.end(), e) != chosen.end()) continue;
    // True also where the best so far is not a number.
    const bool is_better = best == kNoExpert || scores[e] > scores[best] ||
                           (std::isnan(scores[best]) && !std::isnan(scores[e]));
    if (is_better) best = e;
  }
  return best;
}

template <class S>
void send_to_next_best(const Pairs& pairs, std::span<const S> scores, Slots& slots,
                       RoutingBatch& batch) {
  for (std::size_t pair = 0; pair < batch.kept.size(); ++pair) {
    if (batch.kept[pair] != 0) slots.take(batch.experts[pair]);
  }
  for (const std::size_t pair : pairs) {
    const std::size_t token = pair / batch.top_k;
    const auto of_token = scores.subspan(token * batch.num_experts, batch.num_experts);
    const std::span<const std::int32_t> chosen(batch.experts.data() + token * batch.top_k,
                                               batch.top_k);
    const std::int32_t expert = best_with_room(slots, of_token, chosen);
    if (expert == kNoExpert) continue;
    slots.take(expert);
    batch.experts[pair] = expert;
    batch.weights[pair] = static_cast<float>(of_token[expert]);
    batch.kept[pair] = 1;
  }
}

void fill_kept(RoutingBatch& batch) {
  if (!batch.kept.empty()) return;
  batch.kept.assign(batch.experts.size(), 1);
  for (std::size_t pair = 0; pair < batch.experts.size(); ++pair) {
    if (batch.experts[pair] == kNoExpert) batch.kept[pair] = 0;
  }
}

}  // namespace

int expert_capacity(double capacity_factor, int tokens, int top_k, int num_experts) {
  CHECK(num_experts >= 1, "capacity is shared out among experts");
  const double share = capacity_factor * tokens * top_k / num_experts;
  // 1.1 x 10 is a little above 11 in binary; without the allowance its ceiling would be 12.
  const double slots = std::ceil(share * (1 - 1e-12));
  return static_cast<int>(std::clamp(slots, 1.0, double{std::numeric_limits<int>::max()}));
}

int slots_of_expert(const RouterConfig& config, int tokens) {
  return std::max(config.min_capacity, expert_capacity(config.capacity_factor.value_or(1), tokens,
                                                       config.top_k, config.num_experts));
}

int rank_of_expert(int expert, int num_experts, int num_ranks) {
  const int least = num_experts / num_ranks;
  const int larger = num_experts % num_ranks;  // blocks of one more
  const int in_larger = larger * (least + 1);
  return expert < in_larger ? expert / (least + 1) : larger + (expert - in_larger) / least;
}

template <class S>
void apply_capacity(const RouterConfig& config, std::span<const S> scores, RoutingBatch& batch) {
  if (!can_drop(config)) return;
  fill_kept(batch);
  Slots slots = empty_slots(config, batch);
  const ServedFirst served_first(batch, config.token_drop_policy);
  const std::vector<std::uint8_t> before = batch.kept;
  turn_away(
      slots.experts, served_first, [](std::int32_t expert) { return expert; }, batch);
  turn_away(
      slots.ranks, served_first, [&](std::int32_t expert) { return slots.rank_of[expert]; }, batch);
  if (config.overflow == OverflowPolicy::drop) return;
  const Pairs pairs = turned_away(before, batch, served_first);
  if (!pairs.empty()) send_to_next_best(pairs, scores, slots, batch);
}

void apply_capacity(const RouterConfig& config, RoutingBatch& batch) {
  if (can_drop(config) && config.overflow == OverflowPolicy::next_best) {
    throw base::Error("/router/overflow", "next_best needs the scores of all experts",
                      "use drop, or route with a gate that is computed");
  }
  apply_capacity<float>(config, {}, batch);
}

std::vector<std::uint8_t> kept_pairs(const RoutingBatch& batch,
                                     std::optional<double> capacity_factor,
                                     TokenDropPolicy policy) {
  RouterConfig config;
  config.capacity_factor = capacity_factor;
  config.token_drop_policy = policy;
  RoutingBatch applied = batch;
  apply_capacity(config, applied);
  return applied.kept;
}

template void apply_capacity(const RouterConfig&, std::span<const float>, RoutingBatch&);
template void apply_capacity(const RouterConfig&, std::span<const double>, RoutingBatch&);

}  // namespace moesim::model
