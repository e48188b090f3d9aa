// SPDX-License-Identifier: Apache-2.0
// Fits the model of one kernel family to measured times, and says how far off it is on shapes that
// a fit has not seen.
#pragma once

#include <string>
#include <vector>

#include "experiments/calibration/latency_row.h"
#include "sim/cost/cost_table.h"

namespace moesim::experiments {

// A measurement as the fit sees it.
struct FitRow {
  std::string shape;  // rows of one name are held out together
  int hidden = 0;
  bool balanced = true;
  sim::KernelWork work;
  double seconds = 0;
};

FitRow fit_row_of(const LatencyRow& row, const sim::CostTable& table, double element_bytes);

// What bounds a fit: nothing computes or streams faster than the data sheet says (rates of tiles by
// at most a tenth, as boost clocks go beyond the sheet's).
struct Ceilings {
  double flops_per_s = 0;
  double bytes_per_s = 0;
};

// The model of least sum over rows of 2 (sqrt(1 + z^2) - 1), z = ln(predicted / measured) / 0.04:
// relative errors, by squares up to some 4 %, by size beyond, so that few strays do not pull; plus
// squares of the parameters' distances from where they start (a start's width is written in the
// table of the .cpp), so that what the rows do not decide stays put. `like` gives what is not
// fitted: workers, element size, the tiles' sizes and the rules that choose them.
sim::KernelModel fit_model(const std::vector<FitRow>& rows, const sim::KernelModel& like,
                           const Ceilings& ceilings);

// How many numbers fit_model chooses by such rows.
int count_fitted_numbers(const std::vector<FitRow>& rows, const sim::KernelModel& like);

// fit_model and the residuals of the rows around it.
sim::KernelTable fit_kernel(const std::vector<FitRow>& rows, const sim::KernelModel& like,
                            const Ceilings& ceilings);

// Model times residual factor.
double predicted_seconds(const sim::KernelTable& kernel, const FitRow& row);

// |predicted / measured - 1|, one by one. `errors` may be empty.
sim::ErrorFigures error_figures(std::vector<double> errors);

// The errors of each row, predicted by fit_kernel to the rows of all other shapes. Empty where
// there are fewer than two shapes.
std::vector<double> held_out_errors(const std::vector<FitRow>& rows, const sim::KernelModel& like,
                                    const Ceilings& ceilings, int threads);

}  // namespace moesim::experiments
