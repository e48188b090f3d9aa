// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/nelder_mead.h"

#include <algorithm>
#include <cmath>

namespace moesim::experiments {
namespace {

using Point = std::vector<double>;

constexpr double kExpansion = 2;
constexpr double kContraction = 0.5;
constexpr double kShrink = 0.5;
constexpr double kTolerance = 1e-9;

class Simplex {
 public:
  Simplex(const std::function<double(const Point&)>& function, const Point& start, double step)
      : function_(function) {
    corners_.push_back(evaluated(start));
    for (std::size_t i = 0; i < start.size(); ++i) {
      Point corner = start;
      corner[i] += step;
      corners_.push_back(evaluated(corner));
    }
    sort();
  }

  int evaluations() const { return evaluations_; }
  const Minimum& best() const { return corners_.front(); }
  bool is_flat() const {
    const double spread = corners_.back().value - corners_.front().value;
    return spread <= kTolerance * std::abs(corners_.front().value);
  }

  void step() {
    const Minimum reflected = towards_worst(-1);
    const double second_worst = corners_[corners_.size() - 2].value;
    if (reflected.value < best().value) {
      const Minimum expanded = towards_worst(-kExpansion);
      corners_.back() = expanded.value < reflected.value ? expanded : reflected;
    } else if (reflected.value < second_worst) {
      corners_.back() = reflected;
    } else {
      contract(reflected);
    }
    sort();
  }

 private:
  Minimum evaluated(const Point& point) {
    ++evaluations_;
    return {point, function_(point)};
  }

  // The centre of all corners but the worst, moved `share` of the way to the worst.
  Minimum towards_worst(double share) {
    const Point& worst = corners_.back().at;
    Point point(worst.size());
    for (std::size_t i = 0; i < point.size(); ++i) {
      double centre = 0;
      for (std::size_t c = 0; c + 1 < corners_.size(); ++c) centre += corners_[c].at[i];
      centre /= static_cast<double>(corners_.size() - 1);
      point[i] = centre + share * (worst[i] - centre);
    }
    return evaluated(point);
  }

  void contract(const Minimum& reflected) {
    const bool outside = reflected.value < corners_.back().value;
    const Minimum contracted = towards_worst(outside ? -kContraction : kContraction);
    if (contracted.value < std::min(reflected.value, corners_.back().value)) {
      corners_.back() = contracted;
      return;
    }
    for (std::size_t c = 1; c < corners_.size(); ++c) {
      Point point = corners_[c].at;
      for (std::size_t i = 0; i < point.size(); ++i) {
        point[i] = best().at[i] + kShrink * (point[i] - best().at[i]);
      }
      corners_[c] = evaluated(point);
    }
  }

  void sort() {
    std::stable_sort(corners_.begin(), corners_.end(),
                     [](const Minimum& a, const Minimum& b) { return a.value < b.value; });
  }

  const std::function<double(const Point&)>& function_;
  std::vector<Minimum> corners_;  // best first
  int evaluations_ = 0;
};

}  // namespace

Minimum minimise(const std::function<double(const std::vector<double>&)>& function,
                 const std::vector<double>& start, double step, int max_evaluations) {
  Simplex simplex(function, start, step);
  while (simplex.evaluations() < max_evaluations && !simplex.is_flat()) simplex.step();
  return simplex.best();
}

}  // namespace moesim::experiments
