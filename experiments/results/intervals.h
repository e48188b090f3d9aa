// SPDX-License-Identifier: Apache-2.0
// How sure a mean of few values is: confidence intervals by Student's t distribution.
#pragma once

#include <cstddef>
#include <span>

namespace moesim::experiments {

struct MeanInterval {
  std::size_t count = 0;  // values that are numbers
  double mean = 0;        // NaN without any
  double half_width = 0;  // the interval is mean - half_width to mean + half_width; NaN below two
};

// The mean of the values, NaN left out, and the interval that has the true mean with probability
// `confidence` where the values are independent and normal: t s / sqrt(n), s with n - 1 (Student,
// "The probable error of a mean", Biometrika 6, 1908).
MeanInterval mean_interval(std::span<const double> values, double confidence = 0.95);

// The probability that |T| <= t for Student's distribution: Abramowitz and Stegun, Handbook of
// Mathematical Functions, 26.7.3 and 26.7.4. `degrees` from 1, t from 0.
double student_t_probability(double t, std::size_t degrees);

// The t for which that probability is `confidence` (above 0, below 1); to a relative 1e-12.
double student_t_bound(double confidence, std::size_t degrees);

}  // namespace moesim::experiments
