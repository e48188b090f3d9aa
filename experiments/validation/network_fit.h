// SPDX-License-Identifier: Apache-2.0
// Chooses a few numbers of a protocol so that a series' simulated times are nearest the measured
// ones. One set of numbers for all cases of the machine, never one per case.
#pragma once

#include <string>
#include <vector>

#include "experiments/validation/comparison.h"
#include "experiments/validation/series_model.h"

namespace moesim::experiments {

inline constexpr std::size_t kMostFitted = 4;

struct FittedParameter {
  std::string name;           // the protocol's key
  std::string value;          // as a file writes it
  double uncertainty = 0;     // relative standard error (sensitivity.h)
  bool at_bound = false;      // a share of 1, or a quantity that does nothing or everything
  bool identifiable = false;  // uncertainty below 1/2 and not at a bound
};

struct NetworkFit {
  sim::Protocol protocol;
  std::vector<FittedParameter> parameters;
  ErrorSummary fitted;    // errors over the cases that the fit saw
  ErrorSummary held_out;  // over cases of the same trust that it did not
};

// The keys that may be fitted.
std::vector<std::string> fittable_parameters();

// Fits the keys `names` (at most kMostFitted; empty: the series' own) to the trust-A cases that are
// not held out (where there is none, to those of trust B, else C), by the least sum of
// sqrt(r^2 + 0.05^2), r = ln(simulated / measured): relative errors, by squares up to some 5 %, by
// size beyond, so that few strays do not pull. All other numbers are the series' protocol's, which
// is also where the search starts. Throws base::Error for unknown or
// too many keys, and where there are fewer cases than keys.
NetworkFit fit_network(const Series& series, std::vector<std::string> names, int num_threads);

// The series' protocol as a preset file: its keys, the fitted numbers in place, and for each of
// these the series and the errors as its source.
std::string preset_text(const NetworkFit& fit, const Series& series);
// What the fit found, for people: values, uncertainties, errors, warnings.
std::string fit_text(const NetworkFit& fit);

}  // namespace moesim::experiments
