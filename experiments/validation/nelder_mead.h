// SPDX-License-Identifier: Apache-2.0
// The least of a function of few variables without its slopes: the downhill simplex (Nelder and
// Mead 1965, "A simplex method for function minimization", with their coefficients 1, 2, 1/2, 1/2).
#pragma once

#include <functional>
#include <vector>

namespace moesim::experiments {

struct Minimum {
  std::vector<double> at;
  double value = 0;
};

// From `start` (at least one variable) with a first simplex of side `step`; ends after
// `max_evaluations`, or when the values of the simplex's corners differ by less than 1e-9 of the
// best. Deterministic.
Minimum minimise(const std::function<double(const std::vector<double>&)>& function,
                 const std::vector<double>& start, double step, int max_evaluations);

}  // namespace moesim::experiments
