// SPDX-License-Identifier: Apache-2.0
// Draws k distinct experts one after the other, each with probability proportional to its weight
// among those left (successive sampling, the law of a Gumbel top-k): an expert that the token
// already has is drawn again.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"

namespace moesim::sim {

class WeightedSampler {
 public:
  // Weights are finite, not negative, at least one above 0. O(experts).
  explicit WeightedSampler(std::span<const double> weights);

  int num_experts() const { return static_cast<int>(slots_.size()); }

  // The expert that 32 random bits draw, as if there were no other draw. Probabilities are exact to
  // a few times 2^-32.
  std::int32_t pick(std::uint32_t bits) const {
    // Times the number of slots: the high half is the slot, the low half is the coin.
    const std::uint64_t product = std::uint64_t{bits} * slots_.size();
    const auto slot = static_cast<std::int32_t>(product >> 32);
    const Slot& of = slots_[slot];
    return static_cast<std::uint32_t>(product) < of.threshold ? slot : of.alias;
  }

  // One expert not in `taken`, by its share of the weight that is left, as `uniform` in [0, 1)
  // says; an expert of weight 0 only when no other is left. O(experts).
  std::int32_t pick_from_rest(double uniform, std::span<const std::int32_t> taken) const;

 private:
  // Walker's alias method (1977) as made by Vose (1991): keep `i` when a coin of 32 bits is below
  // threshold[i], else take alias[i].
  struct Slot {
    std::uint32_t threshold;
    std::int32_t alias;
  };
  std::vector<Slot> slots_;
  std::vector<double> weights_;
};

// The choices of the tokens of one field of random numbers. A pair's draws have places of their own
// in the field, so a token's experts do not depend on which other tokens are drawn.
class TokenDraws {
 public:
  // `sampler` outlives this; 1 <= top_k <= its experts.
  TokenDraws(const WeightedSampler& sampler, const base::RandomField& field, int top_k);

  // Fills `chosen`, [tokens, top_k], with the distinct experts of the tokens from `first_token` on.
  // Experts of weight 0 are drawn only when no other is left.
  void fill(std::int64_t first_token, std::span<std::int32_t> chosen);

 private:
  void pick_each(std::uint64_t first_pair, std::span<std::int32_t> chosen) const;
  bool has_repeat(const std::int32_t* chosen);
  void replace_repeats(std::uint64_t first_pair, std::span<std::int32_t> chosen) const;

  const WeightedSampler* sampler_;
  base::RandomField field_;
  int top_k_;
  std::uint64_t visit_ = 0;               // tokens looked at so far
  std::vector<std::uint64_t> last_seen_;  // [experts] the visit that last met the expert
};

}  // namespace moesim::sim
