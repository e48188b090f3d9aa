// SPDX-License-Identifier: Apache-2.0
// Dropout (Srivastava et al. 2014), scaled while training: an element becomes 0 with probability
// `rate`, else it is divided by 1 - rate. The factors are drawn by place (base::RandomField), so
// the backward pass is the same call on the gradient.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/rng.h"
#include "model/matrix.h"
#include "model/pass.h"

namespace moesim::model {

// The factors of one dropout of one pass.
template <class S>
class DropoutFactors {
 public:
  // `name` tells the pass's dropouts apart. 0 <= rate < 1.
  DropoutFactors(const Pass<S>& pass, std::string_view name, double rate);

  // False where every factor is 1: the pass does not train, or the rate is 0.
  bool is_active() const { return is_active_; }
  // Multiplies x[i] by the factor of element first + i, for i in [0, n).
  void apply(std::uint64_t first, S* x, Index n) const;

 private:
  // By table, since a branch on random bits is guessed wrong.
  S factor(std::uint32_t bits) const { return factors_[bits < dropped_below_]; }

  base::RandomField field_;  // draw i is that of the elements 2 i, its lower half, and 2 i + 1
  bool is_active_;
  std::uint32_t dropped_below_;  // an element is dropped where its 32 random bits are less
  S factors_[2];                 // of an element that stays, and of one that is dropped
};

// Multiplies each element of `matrix` by its factor; its number is row * columns + column.
template <class S>
void apply_dropout(const Pass<S>& pass, std::string_view name, double rate, Matrix<S>& matrix);

}  // namespace moesim::model
