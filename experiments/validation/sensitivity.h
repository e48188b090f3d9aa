// SPDX-License-Identifier: Apache-2.0
// How well data fix the variables of a fit.
#pragma once

#include <functional>
#include <vector>

namespace moesim::experiments {

// `residuals` gives one number per case at the logarithms of the variables. Per variable the
// standard error of its logarithm, sigma sqrt((J'J)^-1_ii), J being the residuals' slopes at `at`
// and sigma their root-mean-square (at least 1 %: no measurement is better). Infinite where the
// variable changes nothing that the others could not undo.
std::vector<double> relative_uncertainties(
    const std::function<std::vector<double>(const std::vector<double>&)>& residuals,
    const std::vector<double>& at);

}  // namespace moesim::experiments
