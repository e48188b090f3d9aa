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
    slots_[i] = {0, 0};  // itself, whatever the coin
  }
  while (!small.empty() && !large.empty()) {
    const std::int32_t low = small.back();
    const std::int32_t high = large.back();
    small.pop_back();
    slots_[low] = {static_cast<std::uint32_t>(share[low] * kCoinSides), low ^ high};
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

TokenDraws::TokenDraws(const WeightedSampler& sampler, const base::RandomField& field, int top_k,
                       DrawKernels kernels)
    : sampler_(&sampler),
      field_(field),
      top_k_(top_k),
      kernels_(kernels),
      last_met_(sampler.num_experts(), 0) {
  CHECK(top_k >= 1 && top_k <= sampler.num_experts(), "there are as many experts as a token takes");
}

void TokenDraws::fill(std::int64_t first_token, std::span<std::int32_t> chosen) {
  CHECK(first_token % 2 == 0, "a block begins at a place of the field");
  const std::uint64_t first_pair = static_cast<std::uint64_t>(first_token) * top_k_;
  const std::span<const AliasSlot> slots = sampler_->slots();
  const DrawBlock block{slots.data(),   static_cast<std::uint32_t>(slots.size()), field_.key(),
                        first_pair / 2, static_cast<int>(chosen.size() / top_k_), top_k_,
                        chosen.data()};
  repeats_.resize(std::max<std::size_t>(repeats_.size(), block.tokens));
#if defined(__x86_64__)
  if (kernels_ == DrawKernels::avx512) {
    pick_each_avx512(block);
  } else
#endif
  {
    pick_each_portable(block);
  }
  const int found = find_repeats(block);
  for (int i = 0; i < found; ++i) {
    const std::size_t pair = static_cast<std::size_t>(repeats_[i]) * top_k_;
    replace_repeats(first_pair + pair, chosen.subspan(pair, top_k_));
  }
}

// How many tokens have an expert twice; `repeats_` says which.
int TokenDraws::find_repeats(const DrawBlock& block) {
#if defined(__x86_64__)
  if (kernels_ == DrawKernels::avx512 && top_k_ <= kWidestToken) {
    return find_repeats_avx512(block, repeats_.data());
  }
#endif
  const std::int32_t* expert = block.chosen;
  int found = 0;
  for (int token = 0; token < block.tokens; ++token) {
    ++visit_;
    bool has_repeat = false;
    for (int slot = 0; slot < top_k_; ++slot, ++expert) {
      has_repeat |= last_met_[*expert] == visit_;
      last_met_[*expert] = visit_;
    }
    repeats_[found] = token;
    found += has_repeat ? 1 : 0;
  }
  return found;
}

void TokenDraws::replace_repeats(std::uint64_t first_pair, std::span<std::int32_t> chosen) {
  ++visit_;
  for (std::size_t slot = 0; slot < chosen.size(); ++slot) {
    const std::uint64_t pair = first_pair + slot;
    std::int32_t& expert = chosen[slot];
    for (std::uint64_t draw = 0; draw < kPatience && last_met_[expert] == visit_; ++draw) {
      const std::uint64_t bits = field_.bits(kAgain + pair * kPatience + draw);
      expert = sampler_->pick(static_cast<std::uint32_t>(bits));
    }
    if (last_met_[expert] == visit_) {
      expert = sampler_->pick_from_rest(field_.uniform(kRest + pair), chosen.first(slot));
    }
    last_met_[expert] = visit_;
  }
}

}  // namespace moesim::sim
