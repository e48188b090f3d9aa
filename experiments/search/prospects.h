// SPDX-License-Identifier: Apache-2.0
// Which candidates are worth running next, now that some have run in full: those whose figures on
// the screen, corrected by what a run in full has made of those next to them, look best.
#pragma once

#include <cstddef>
#include <vector>

#include "experiments/search/candidates.h"
#include "experiments/search/goals.h"

namespace moesim::experiments {

// Figures of candidates by their numbers, each as figures_of(goals) orders them; empty where there
// are none.
using CandidateFigures = std::vector<std::vector<double>>;

// What a candidate's figures would be in full: those on the screen times (plus, where one is 0)
// what running in full changed on those candidates that differ from it in the fewest settings, the
// mean over these; as on the screen where none has run.
std::vector<double> predicted_figures(const std::vector<Candidate>& candidates,
                                      const CandidateFigures& screened,
                                      const CandidateFigures& full, std::size_t candidate);

// Of the candidates that were screened and have not run, the `count` most promising, the best
// first: for each objective in turn the one with the best prediction among those that are predicted
// to keep to the constraints, or to break them least.
std::vector<std::size_t> prospects_of(const Goals& goals, const std::vector<Candidate>& candidates,
                                      const CandidateFigures& screened,
                                      const CandidateFigures& full, std::size_t count);

}  // namespace moesim::experiments
