// SPDX-License-Identifier: Apache-2.0
// One row's way back through an expert's activation. Inner to the experts (expert.cpp).
#pragma once

#include <algorithm>
#include <cstdint>

#include "model/cpu/vector_math.h"
#include "model/layers/dropout.h"

namespace moesim::model {

// One row on its way back. In: the values before the function, `d` the gradient of w times the
// activated values, not yet times w and the dropout factors. Out: gate and up hold their
// gradients, d the activated values times w. Returns the gradient of w.
template <class S>
struct RowBackward {
  S* gate;  // null when plain
  S* up;
  S* d;
  Index units;
  S weight;

  template <class Function>
  S run(Function function, const DropoutFactors<S>& dropout, std::uint64_t at) const {
    S sum = 0;
    for (Index first = 0; first < units; first += kRun) {
      const Index n = std::min(kRun, units - first);
      S factor[kRun];
      std::fill_n(factor, n, S(1));
      dropout.apply(at + static_cast<std::uint64_t>(first), factor, n);
      sum += gate != nullptr ? run_gated(function, first, n, factor)
                             : run_plain(function, first, n, factor);
    }
    return sum;
  }

 private:
  static constexpr Index kRun = 128;  // values taken at a time

  template <class Function>
  S run_gated(Function function, Index first, Index n, const S* factor) const {
    S* const g = gate + first;
    S* const u = up + first;
    S* const da = d + first;
    S product[kRun];
    for (Index i = 0; i < n; ++i) {
      const auto [value, slope] = function.at(g[i]);
      const S activated = factor[i] * value * u[i];
      const S da_weighted = weight * factor[i] * da[i];
      product[i] = da[i] * activated;
      da[i] = weight * activated;
      g[i] = da_weighted * u[i] * slope;
      u[i] = da_weighted * value;
    }
    return row_sum(product, n);
  }

  template <class Function>
  S run_plain(Function function, Index first, Index n, const S* factor) const {
    S* const u = up + first;
    S* const da = d + first;
    S product[kRun];
    for (Index i = 0; i < n; ++i) {
      const auto [value, slope] = function.at(u[i]);
      const S activated = factor[i] * value;
      product[i] = da[i] * activated;
      u[i] = weight * factor[i] * da[i] * slope;
      da[i] = weight * activated;
    }
    return row_sum(product, n);
  }
};

}  // namespace moesim::model
