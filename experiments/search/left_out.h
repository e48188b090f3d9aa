// SPDX-License-Identifier: Apache-2.0
// What a search may have missed: the best of the candidates that did not run in full, by the
// screen.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "experiments/search/goals.h"
#include "experiments/search/ladder.h"

namespace moesim::experiments {

struct BestLeftOut {
  std::size_t candidates = 0;
  std::size_t best = 0;   // the best of them by the first objective, on the screen
  double figure = 0;      // its figure there
  bool is_bound = false;  // no candidate's figure in full is better than on the screen
};

// `screened`: each candidate's figures on the screen, as figures_of(goals) orders them; empty where
// it was not there. `full`: those that ran in full. None where no other candidate, feasible on the
// screen, is left.
std::optional<BestLeftOut> left_out_of(const Goals& goals,
                                       const std::vector<std::vector<double>>& screened,
                                       const std::vector<std::size_t>& full, const Rung& screen);

// True where no figure of the first objective in full can be better than on the screen, and the
// screen says which candidates keep to the constraints: at `analytic` time is never more than at
// other fidelities (docs/models.md), and nothing else differs. Not of training cut short, of
// several objectives, nor where links or switches fail, whose effect `analytic` leaves out.
bool is_bound_of(const Goals& goals, const Rung& screen, const Sweep& sweep,
                 const Experiment& experiment);

}  // namespace moesim::experiments
