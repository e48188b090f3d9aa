// SPDX-License-Identifier: Apache-2.0
// What the whole grid says of a search: whether the best was among what it ran.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "experiments/search/standing.h"

namespace moesim::experiments {

// One objective.
struct BestCheck {
  std::optional<std::size_t> best;   // the grid's best feasible candidate; none: nothing is
  std::optional<std::size_t> named;  // the one that the search calls the best; none: it has none
  // How much worse the named one is, as a share of the best's figure (of 1 where that is 0): 0
  // where it is the best, or as good; infinite without one.
  double shortfall = 0;
};

struct GridCheck {
  std::size_t candidates = 0;  // that run
  std::vector<BestCheck> by_objective;
  std::size_t front = 0;        // candidates on the grid's Pareto front
  std::size_t front_found = 0;  // of these, run in full by the search
  // The least share by which all that the search ran would have to be better for each on the front
  // to be matched in all objectives (multiplicative epsilon indicator: Zitzler et al., "Performance
  // assessment of multiobjective optimizers", 2003); infinite where the search ran nothing
  // feasible.
  double front_gap = 0;

  bool has_missed() const;
};

// `standings` by candidate, over the whole grid; `run` those that the search ran in full; `named`
// for each objective the one that it calls the best.
GridCheck check_against(std::span<const Standing> standings, std::span<const std::size_t> run,
                        std::span<const std::optional<std::size_t>> named);

}  // namespace moesim::experiments
