// SPDX-License-Identifier: Apache-2.0
#include "sim/routing/weighted_sampler.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace moesim::sim {
namespace {

// Draws again before the rest is drawn exactly; reached only when few experts hold nearly all the
// weight.
constexpr std::uint64_t kPatience = 64;
constexpr double kCoinSides = 4294967296.0;  // 2^32

// Places in a field: pair p's first draw is half p % 2 of place p / 2, its t-th draw again is at
// kAgain + p * kPatience + t, and its draw from the rest at kRest + p.
constexpr std::uint64_t kAgain = std::uint64_t{1} << 62;
constexpr std::uint64_t kRest = std::uint64_t{1} << 63;

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
    slots_[i] = {0, static_cast<std::int32_t>(i)};  // itself, whatever the coin
  }
  while (!small.empty() && !large.empty()) {
    const std::int32_t low = small.back();
    const std::int32_t high = large.back();
    small.pop_back();
    slots_[low] = {static_cast<std::uint32_t>(share[low] * kCoinSides), high};
    share[high] -= 1.0 - share[low];
    if (share[high] < 1.0) {
      large.pop_back();
      small.push_back(high);
    }
  }
}

std::int32_t WeightedSampler::pick_from_rest(double uniform,
                                             std::span<const std::int32_t> taken) const {
  double rest = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (!contains(taken, static_cast<std::int32_t>(i))) rest += weights_[i];
  }
  double target = uniform * rest;
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

TokenDraws::TokenDraws(const WeightedSampler& sampler, const base::RandomField& field, int top_k)
    : sampler_(&sampler), field_(field), top_k_(top_k), last_seen_(sampler.num_experts(), 0) {
  CHECK(top_k >= 1 && top_k <= sampler.num_experts(), "there are as many experts as a token takes");
}

void TokenDraws::fill(std::int64_t first_token, std::span<std::int32_t> chosen) {
  const std::uint64_t first_pair = static_cast<std::uint64_t>(first_token) * top_k_;
  pick_each(first_pair, chosen);
  for (std::size_t pair = 0; pair < chosen.size(); pair += top_k_) {
    if (has_repeat(chosen.data() + pair)) {
      replace_repeats(first_pair + pair, chosen.subspan(pair, top_k_));
    }
  }
}

// Every pair's first draw; a place gives two.
void TokenDraws::pick_each(std::uint64_t first_pair, std::span<std::int32_t> chosen) const {
  const WeightedSampler& sampler = *sampler_;
  std::size_t i = 0;
  if (first_pair % 2 == 1 && !chosen.empty()) {
    chosen[i++] = sampler.pick(static_cast<std::uint32_t>(field_.bits(first_pair / 2) >> 32));
  }
  for (; i + 2 <= chosen.size(); i += 2) {
    const std::uint64_t bits = field_.bits((first_pair + i) / 2);
    chosen[i] = sampler.pick(static_cast<std::uint32_t>(bits));
    chosen[i + 1] = sampler.pick(static_cast<std::uint32_t>(bits >> 32));
  }
  if (i < chosen.size()) {
    chosen[i] = sampler.pick(static_cast<std::uint32_t>(field_.bits((first_pair + i) / 2)));
  }
}

// Whether a token has an expert twice. Notes, per expert, the token that last had it, so that
// nothing needs clearing; and does not stop at the first repeat, which nobody could predict.
bool TokenDraws::has_repeat(const std::int32_t* chosen) {
  ++visit_;
  bool repeat = false;
  for (int slot = 0; slot < top_k_; ++slot) {
    std::uint64_t& seen = last_seen_[chosen[slot]];
    repeat |= seen == visit_;
    seen = visit_;
  }
  return repeat;
}

void TokenDraws::replace_repeats(std::uint64_t first_pair, std::span<std::int32_t> chosen) const {
  for (std::size_t slot = 1; slot < chosen.size(); ++slot) {
    const std::span<const std::int32_t> taken = chosen.first(slot);
    const std::uint64_t pair = first_pair + slot;
    for (std::uint64_t draw = 0; draw < kPatience && contains(taken, chosen[slot]); ++draw) {
      const std::uint64_t bits = field_.bits(kAgain + pair * kPatience + draw);
      chosen[slot] = sampler_->pick(static_cast<std::uint32_t>(bits));
    }
    if (contains(taken, chosen[slot])) {
      chosen[slot] = sampler_->pick_from_rest(field_.uniform(kRest + pair), taken);
    }
  }
}

}  // namespace moesim::sim
