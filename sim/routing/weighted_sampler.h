// SPDX-License-Identifier: Apache-2.0
// Draws k distinct experts one after the other, each with probability proportional to its weight
// among those left (successive sampling, the law of a Gumbel top-k): an expert that the token
// already has is drawn again.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.h"
#include "sim/routing/draw_kernels.h"

namespace moesim::sim {

class WeightedSampler {
 public:
  // Weights are finite, not negative, at least one above 0. O(experts).
  explicit WeightedSampler(std::span<const double> weights);

  int num_experts() const { return static_cast<int>(slots_.size()); }

  // The expert that 32 random bits draw, as if there were no other draw. Probabilities are exact to
  // a few times 2^-32.
  std::int32_t pick(std::uint32_t bits) const {
    return pick_slot(slots_.data(), static_cast<std::uint32_t>(slots_.size()), bits);
  }
  std::span<const AliasSlot> slots() const { return slots_; }

  // One expert not in `taken`, by its share of the weight that is left, as `uniform` in [0, 1)
  // says; an expert of weight 0 only when no other is left. O(experts).
  std::int32_t pick_from_rest(double uniform, std::span<const std::int32_t> taken) const;

 private:
  std::vector<AliasSlot> slots_;  // as made by Vose (1991)
  std::vector<double> weights_;
};

// The choices of the tokens of one field of random numbers. A pair's draws have places of their own
// in the field, so a token's experts do not depend on which other tokens are drawn.
class TokenDraws {
 public:
  // `sampler` outlives this; 1 <= top_k <= its experts. The kernels never change a result.
  TokenDraws(const WeightedSampler& sampler, const base::RandomField& field, int top_k,
             DrawKernels kernels = best_draw_kernels());

  // Fills `chosen`, [tokens, top_k], with the distinct experts of the tokens from `first_token` on,
  // which is even. Experts of weight 0 are drawn only when no other is left.
  void fill(std::int64_t first_token, std::span<std::int32_t> chosen);

 private:
  int find_repeats(const DrawBlock& block);
  void replace_repeats(std::uint64_t first_pair, std::span<std::int32_t> chosen);

  const WeightedSampler* sampler_;
  base::RandomField field_;
  int top_k_;
  DrawKernels kernels_;
  // [experts] the visit to a token that last met the expert: nothing needs clearing between tokens.
  std::vector<std::uint64_t> last_met_;
  std::uint64_t visit_ = 0;
  std::vector<std::int32_t> repeats_;  // tokens of the block that have an expert twice
};

}  // namespace moesim::sim
