// SPDX-License-Identifier: Apache-2.0
// How well data fix the variables of a fit.
#pragma once

#include <functional>
#include <vector>

namespace moesim::experiments {

// `residuals` gives one number per case at the logarithms of the variables. Per variable: the
// change of its logarithm, the other variables following as well as they can, that adds to the
// residuals as much root-mean-square as they have now (at least 1 %), by their slopes at `at`:
// rms sqrt(n (J'J)^-1_ii), J the n residuals' slopes. Infinite where some variable changes nothing
// that the others could not undo.
std::vector<double> relative_uncertainties(
    const std::function<std::vector<double>(const std::vector<double>&)>& residuals,
    const std::vector<double>& at);

}  // namespace moesim::experiments
