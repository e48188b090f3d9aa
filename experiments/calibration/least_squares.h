// SPDX-License-Identifier: Apache-2.0
// The least sum of squares of many residuals in few bounded variables: Levenberg and Marquardt
// (Marquardt 1963, "An algorithm for least-squares estimation of nonlinear parameters", with his
// scaling by the diagonal), steps cut at the bounds, slopes by differences.
#pragma once

#include <functional>
#include <vector>

namespace moesim::experiments {

struct Variable {
  double start = 0;
  double least = 0;
  double most = 0;
};

// Writes the residuals at `x`; always equally many.
using Residuals = std::function<void(const std::vector<double>& x, std::vector<double>& residuals)>;

struct LeastSquares {
  std::vector<double> at;
  double sum = 0;  // of squares
};

// Ends when a step lowers the sum by less than 1e-7 of it, when no step lowers it, or after
// `max_steps`. Deterministic.
LeastSquares minimise_squares(const Residuals& residuals, const std::vector<Variable>& variables,
                              int max_steps);

}  // namespace moesim::experiments
