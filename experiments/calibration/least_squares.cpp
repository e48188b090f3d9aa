// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/least_squares.h"

#include <algorithm>
#include <cmath>

namespace moesim::experiments {
namespace {

constexpr double kDifference = 1e-5;
constexpr double kSmallGain = 1e-7;

using Vector = std::vector<double>;

double sum_of_squares(const Vector& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return sum;
}

// Solves the symmetric positive definite system by Cholesky; false where it is not.
bool solve(std::vector<Vector> matrix, Vector& right) {
  const std::size_t n = right.size();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k) matrix[j][j] -= matrix[j][k] * matrix[j][k];
    if (!(matrix[j][j] > 0)) return false;
    matrix[j][j] = std::sqrt(matrix[j][j]);
    for (std::size_t i = j + 1; i < n; ++i) {
      for (std::size_t k = 0; k < j; ++k) matrix[i][j] -= matrix[i][k] * matrix[j][k];
      matrix[i][j] /= matrix[j][j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) right[i] -= matrix[i][k] * right[k];
    right[i] /= matrix[i][i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) right[i] -= matrix[k][i] * right[k];
    right[i] /= matrix[i][i];
  }
  return true;
}

class Search {
 public:
  Search(const Residuals& residuals, const std::vector<Variable>& variables)
      : residuals_(residuals), variables_(variables) {
    for (const Variable& variable : variables) {
      x_.push_back(std::clamp(variable.start, variable.least, variable.most));
    }
    residuals_(x_, values_);
    sum_ = sum_of_squares(values_);
  }

  // False when no step is left that helps.
  bool step() {
    build_normal_equations();
    for (int attempt = 0; attempt < 12; ++attempt) {
      const double before = sum_;
      if (try_damped()) {
        damping_ = std::max(damping_ / 5, 1e-9);
        return before - sum_ > kSmallGain * before;
      }
      damping_ *= 4;
    }
    return false;
  }

  LeastSquares result() const { return {x_, sum_}; }

 private:
  void build_normal_equations() {
    const std::size_t n = x_.size();
    std::vector<Vector> slopes(n);
    for (std::size_t j = 0; j < n; ++j) slopes[j] = slope_of(j);
    normal_.assign(n, Vector(n, 0));
    gradient_.assign(n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t r = 0; r < values_.size(); ++r) gradient_[i] += slopes[i][r] * values_[r];
      for (std::size_t j = 0; j <= i; ++j)
        normal_[i][j] = normal_[j][i] = dot(slopes[i], slopes[j]);
    }
  }

  static double dot(const Vector& a, const Vector& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }

  Vector slope_of(std::size_t j) {
    // Away from the nearer bound.
    const bool up = variables_[j].most - x_[j] > x_[j] - variables_[j].least;
    const double difference = up ? kDifference : -kDifference;
    Vector moved = x_;
    moved[j] += difference;
    Vector slope;
    residuals_(moved, slope);
    for (std::size_t r = 0; r < slope.size(); ++r) slope[r] = (slope[r] - values_[r]) / difference;
    return slope;
  }

  // A variable at its bound that wants to go beyond it stays.
  bool is_held(std::size_t j) const {
    if (gradient_[j] > 0) return x_[j] <= variables_[j].least;
    return x_[j] >= variables_[j].most;
  }

  bool try_damped() {
    const std::size_t n = x_.size();
    std::vector<Vector> matrix = normal_;
    Vector move(n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      matrix[i][i] += damping_ * normal_[i][i] + 1e-12;
      move[i] = -gradient_[i];
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (!is_held(i)) continue;
      for (std::size_t j = 0; j < n; ++j) matrix[i][j] = matrix[j][i] = i == j ? 1 : 0;
      move[i] = 0;
    }
    if (!solve(std::move(matrix), move)) return false;
    Vector moved = x_;
    for (std::size_t i = 0; i < n; ++i) {
      moved[i] = std::clamp(moved[i] + move[i], variables_[i].least, variables_[i].most);
    }
    Vector values;
    residuals_(moved, values);
    const double sum = sum_of_squares(values);
    if (!(sum < sum_)) return false;
    x_ = std::move(moved);
    values_ = std::move(values);
    sum_ = sum;
    return true;
  }

  const Residuals& residuals_;
  const std::vector<Variable>& variables_;
  Vector x_;
  Vector values_;
  double sum_ = 0;
  double damping_ = 1e-2;
  std::vector<Vector> normal_;
  Vector gradient_;
};

}  // namespace

LeastSquares minimise_squares(const Residuals& residuals, const std::vector<Variable>& variables,
                              int max_steps) {
  Search search(residuals, variables);
  for (int step = 0; step < max_steps && search.step(); ++step) {
  }
  return search.result();
}

}  // namespace moesim::experiments
