// SPDX-License-Identifier: Apache-2.0
// Draws k distinct experts one after the other, each with probability proportional to its weight
// among those left (successive sampling, the law of a Gumbel top-k).
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

  // Fills `chosen` with distinct experts. Experts of weight 0 are drawn only when no other is left.
  void draw(base::Rng& rng, std::span<std::int32_t> chosen) const;

 private:
  std::int32_t draw_one(base::Rng& rng) const;
  std::int32_t draw_from_rest(base::Rng& rng, std::span<const std::int32_t> taken) const;

  // Walker's alias method (1977) as made by Vose (1991): keep `i` when a coin of 32 bits is below
  // threshold[i], else take alias[i].
  struct Slot {
    std::uint64_t threshold;
    std::int32_t alias;
  };
  std::vector<Slot> slots_;
  std::vector<double> weights_;
};

}  // namespace moesim::sim
