// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/intervals.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "base/check.h"

namespace moesim::experiments {

// Each term of the series is the one before times cos^2 and the next fraction: for odd degrees
// cos (2/3) cos^3 (2 4 / 3 5) cos^5 ..., for even ones 1 (1/2) cos^2 (1 3 / 2 4) cos^4 ...
double student_t_probability(double t, std::size_t degrees) {
  CHECK(degrees >= 1 && t >= 0, "a distribution has degrees of freedom, a distance is not below 0");
  const double angle = std::atan(t / std::sqrt(static_cast<double>(degrees)));
  const double cosine = std::cos(angle);
  const bool is_odd = degrees % 2 == 1;
  double term = is_odd ? cosine : 1.0;
  double sum = 0;
  for (std::size_t power = is_odd ? 1 : 0; power + 2 <= degrees; power += 2) {
    sum += term;
    const auto next = static_cast<double>(power + 1);
    term *= cosine * cosine * next / (next + 1);
  }
  if (!is_odd) return std::sin(angle) * sum;
  return 2 / std::numbers::pi * (angle + std::sin(angle) * sum);
}

double student_t_bound(double confidence, std::size_t degrees) {
  CHECK(confidence > 0 && confidence < 1, "no finite interval is certain");
  double low = 0;
  double high = 1;
  while (student_t_probability(high, degrees) < confidence) high *= 2;
  while (high - low > 1e-12 * high) {
    const double middle = (low + high) / 2;
    (student_t_probability(middle, degrees) < confidence ? low : high) = middle;
  }
  return high;
}

MeanInterval mean_interval(std::span<const double> values, double confidence) {
  std::vector<double> numbers;
  for (const double value : values) {
    if (!std::isnan(value)) numbers.push_back(value);
  }
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  MeanInterval interval{numbers.size(), kNone, kNone};
  if (numbers.empty()) return interval;
  const auto count = static_cast<double>(numbers.size());
  double sum = 0;
  for (const double number : numbers) sum += number;
  interval.mean = sum / count;
  if (numbers.size() == 1) return interval;
  double squares = 0;
  for (const double number : numbers) {
    squares += (number - interval.mean) * (number - interval.mean);
  }
  interval.half_width =
      student_t_bound(confidence, numbers.size() - 1) * std::sqrt(squares / (count - 1) / count);
  return interval;
}

}  // namespace moesim::experiments
