// SPDX-License-Identifier: Apache-2.0
// How candidates stand against each other: by several objectives at once, under constraints.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace moesim::experiments {

struct Standing {
  // For each objective what is to be low: the figure, negated where it is to be high. The same
  // number of all that are compared; infinite where there is no such figure.
  std::vector<double> costs;
  // How far outside its constraints, as a share of their bounds, summed: 0 is feasible, infinite
  // what lacks a figure that is bounded.
  double violation = 0;
  bool has_run = true;

  bool is_feasible() const { return has_run && violation == 0; }
};

// True where `a` is nowhere worse and somewhere better; both feasible.
bool dominates(const Standing& a, const Standing& b);

// The feasible standings that no feasible other dominates, by rising index.
std::vector<std::size_t> pareto_front(std::span<const Standing> standings);

// The `count` best, the best first; fewer where fewer have run. The feasible ones come first, front
// by front (each the Pareto front of what is left); of a front that does not fit, the best by each
// objective and then those with the most room around them (crowding distance: Deb et al., "A fast
// and elitist multiobjective genetic algorithm: NSGA-II", 2002). Then the infeasible ones, the
// least violation first.
std::vector<std::size_t> best_of(std::span<const Standing> standings, std::size_t count);

}  // namespace moesim::experiments
