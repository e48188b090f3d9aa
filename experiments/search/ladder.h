// SPDX-License-Identifier: Apache-2.0
// The rungs of a search: cheaper versions of an experiment that sort candidates out before any runs
// in full (successive halving: Jamieson and Talwalkar, arXiv 1502.07943, with fidelities of the
// network and lengths of the proxy's training in the place of iterations).
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/json_value.h"
#include "experiments/sweep/sweep.h"
#include "sim/network/network.h"

namespace moesim::experiments {

struct Rung {
  std::string name;  // "analytic", "analytic, 12 of 100 training steps"
  std::vector<std::pair<std::string, base::JsonValue>> settings;  // dotted keys and their values
  bool shortens_training = false;
  sim::Fidelity fidelity = sim::Fidelity::analytic;

  std::string folder_name() const;  // "analytic"
};

// The screens of an experiment, the cheapest first: the fidelities below the experiment's own, with
// an eighth of the proxy's training steps where a proxy is trained and its steps are not swept.
// Throws base::Error where the sweep varies the fidelity itself, and where the experiment is at the
// cheapest already.
std::vector<Rung> screens_of(const Sweep& sweep, const Experiment& experiment);

// The rung above the experiment's own; none above `flow`.
std::vector<Rung> confirmation_of(const Experiment& experiment);

// The sweep with the rung's settings: points of the same numbers that differ in their ids. Points
// have no folders, and there is no report.
Sweep at_rung(const Sweep& sweep, const Rung& rung);

// How much of a grid may run in full.
struct Allowance {
  std::size_t entrants = 1;   // candidates that run with their first seed
  std::size_t finalists = 0;  // of these, candidates that run with the others
  std::size_t seeds = 1;      // points of a finalist
};

// The most points of a grid that may run in full, and what they may be spent on.
struct Budget {
  std::size_t points = 1;
  std::size_t candidates = 1;
  std::size_t seeds = 1;       // the most that a candidate has
  std::size_t objectives = 1;  // at least one
};

// Half is for the finalists' seeds, and at least a finalist for each objective; what is more than
// all candidates take as entrants is for finalists too. Where there is not enough for a finalist
// each, all is for entrants.
Allowance allowance_of(const Budget& budget);

// How many of `candidates` each of `screens` screens lets through: a geometric way down to
// `entrants`, which the last one's are.
std::vector<std::size_t> survivors_of(std::size_t candidates, std::size_t entrants,
                                      std::size_t screens);

}  // namespace moesim::experiments
