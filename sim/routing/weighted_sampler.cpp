// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/weighted_sampler.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace moesim::sim {
namespace {

// Rejected draws before the rest is drawn exactly; reached only when few experts hold nearly all
// the weight.
constexpr int kPatience = 64;
constexpr std::uint64_t kCoinSides = std::uint64_t{1} << 32;

bool contains(std::span<const std::int32_t> taken, std::int32_t expert) {
  return std::find(taken.begin(), taken.end(), expert) != taken.end();
}

}  // namespace

WeightedSampler::WeightedSampler(std::span<const double> weights)
    : slots_(weights.size()), weights_(weights.begin(), weights.end()) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  CHECK(total > 0, "at least one expert can be drawn");
  const auto n = static_cast<double>(weights.size());
  std::vector<double> share(weights.size());
  std::vector<std::int32_t> small, large;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    share[i] = weights[i] / total * n;
    (share[i] < 1.0 ? small : large).push_back(static_cast<std::int32_t>(i));
    slots_[i] = {kCoinSides, static_cast<std::int32_t>(i)};
  }
  while (!small.empty() && !large.empty()) {
    const std::int32_t low = small.back();
    const std::int32_t high = large.back();
    small.pop_back();
    slots_[low] = {static_cast<std::uint64_t>(share[low] * static_cast<double>(kCoinSides)), high};
    share[high] -= 1.0 - share[low];
    if (share[high] < 1.0) {
      large.pop_back();
      small.push_back(high);
    }
  }
}

std::int32_t WeightedSampler::draw_one(base::Rng& rng) const {
  // One 64-bit draw: the high half picks the slot, the low half is the coin.
  const std::uint64_t bits = rng.next();
  const auto slot = static_cast<std::int32_t>(((bits >> 32) * slots_.size()) >> 32);
  const auto coin = static_cast<std::uint32_t>(bits);
  return coin < slots_[slot].threshold ? slot : slots_[slot].alias;
}

std::int32_t WeightedSampler::draw_from_rest(base::Rng& rng,
                                             std::span<const std::int32_t> taken) const {
  double rest = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (!contains(taken, static_cast<std::int32_t>(i))) rest += weights_[i];
  }
  double target = rng.uniform() * rest;
  std::int32_t last = -1;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const auto expert = static_cast<std::int32_t>(i);
    if (contains(taken, expert)) continue;
    last = expert;
    if (weights_[i] > 0 && target < weights_[i]) return expert;
    target -= weights_[i];
  }
  return last;
}

void WeightedSampler::draw(base::Rng& rng, std::span<std::int32_t> chosen) const {
  for (std::size_t slot = 0; slot < chosen.size(); ++slot) {
    const std::span<const std::int32_t> taken = chosen.first(slot);
    std::int32_t expert = draw_one(rng);
    for (int tries = 0; contains(taken, expert); ++tries) {
      expert = tries < kPatience ? draw_one(rng) : draw_from_rest(rng, taken);
    }
    chosen[slot] = expert;
  }
}

}  // namespace moesim::sim
