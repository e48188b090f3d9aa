// SPDX-License-Identifier: Apache-2.0
// Predicted against measured: errors of each case, and what they are over a series.
#pragma once

#include <string>
#include <vector>

#include "experiments/validation/measured_case.h"
#include "experiments/validation/series_model.h"

namespace moesim::experiments {

// Relative errors of some cases: |predicted / measured - 1| of what was measured.
struct ErrorSummary {
  int cases = 0;
  double median = 0;  // the mean of the middle two of an even number
  double p90 = 0;     // the error that nine cases in ten do not exceed (nearest rank)
};
ErrorSummary summarise(std::vector<double> errors);

struct CaseComparison {
  MeasuredCase measured;
  double predicted = 0;  // seconds or bytes per second, as measured
  double error() const;  // signed, relative
};

struct SeriesComparison {
  std::string name;
  std::string title;
  std::optional<double> promised_median;
  int fitted_numbers = 0;  // of the protocol, that calibration may choose for this series
  bool is_table = false;   // rows of a sweep, which outnumber published figures
  std::vector<CaseComparison> cases;

  ErrorSummary summary(Trust trust) const;
  ErrorSummary held_out_summary() const;  // over trust-A cases that calibration has not seen
  bool keeps_promise() const;  // the median over trust A, where there is a promise and a case
};

SeriesComparison compare(const Series& series, sim::Fidelity fidelity, int num_threads,
                         const CasesDone& progress = {});

// One line per case: id, measured, predicted, error, trust.
std::string case_lines(const SeriesComparison& comparison);
// The Markdown table of docs/validation.md: one row per series, then all cases together, with and
// without those of tables.
std::string summary_table(const std::vector<SeriesComparison>& comparisons);
// One object per series with all of the above.
std::string comparison_json(const std::vector<SeriesComparison>& comparisons);

}  // namespace moesim::experiments
