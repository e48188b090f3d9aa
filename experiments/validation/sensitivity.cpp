// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace moesim::experiments {
namespace {

using Vector = std::vector<double>;

constexpr double kStep = 0.02;  // in a logarithm
constexpr double kLeastRms = 0.01;
constexpr double kIndependent = 1e-9;  // of a slope's square, that must be left

double dot(const Vector& a, const Vector& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

// The squared length of `columns[which]` that the other columns cannot make (Gram-Schmidt).
double squared_rest(const std::vector<Vector>& columns, std::size_t which) {
  std::vector<Vector> basis;
  const auto remove_basis = [&basis](Vector vector) {
    for (const Vector& unit : basis) {
      const double part = dot(vector, unit);
      for (std::size_t i = 0; i < vector.size(); ++i) vector[i] -= part * unit[i];
    }
    return vector;
  };
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (c == which) continue;
    Vector rest = remove_basis(columns[c]);
    const double length = std::sqrt(dot(rest, rest));
    if (length * length <= kIndependent * dot(columns[c], columns[c])) continue;
    for (double& value : rest) value /= length;
    basis.push_back(std::move(rest));
  }
  const Vector rest = remove_basis(columns[which]);
  const double square = dot(rest, rest);
  return square <= kIndependent * dot(columns[which], columns[which]) ? 0 : square;
}

}  // namespace

std::vector<double> relative_uncertainties(
    const std::function<std::vector<double>(const std::vector<double>&)>& residuals,
    const std::vector<double>& at) {
  const Vector here = residuals(at);
  const auto n = static_cast<double>(here.size());
  const double rms = std::max(kLeastRms, std::sqrt(dot(here, here) / n));
  std::vector<Vector> columns;
  for (std::size_t i = 0; i < at.size(); ++i) {
    Vector below = at;
    Vector above = at;
    below[i] -= kStep;
    above[i] += kStep;
    Vector slope = residuals(above);
    const Vector low = residuals(below);
    for (std::size_t row = 0; row < slope.size(); ++row) {
      slope[row] = (slope[row] - low[row]) / (2 * kStep);
    }
    columns.push_back(std::move(slope));
  }
  std::vector<double> uncertainties;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const double square = squared_rest(columns, i);
    uncertainties.push_back(square > 0 ? rms / std::sqrt(square)
                                       : std::numeric_limits<double>::infinity());
  }
  return uncertainties;
}

}  // namespace moesim::experiments
