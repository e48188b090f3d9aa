// SPDX-License-Identifier: Apache-2.0
// Elementary functions on arrays (elementary.h), in loops that the compiler makes vector code of,
// and sums. An element's result does not depend on its place in the array nor on the array's
// length; sums have 16 lanes in a fixed order.
#pragma once

#include <cmath>
#include <limits>

#include "model/elementary.h"
#include "model/matrix.h"

namespace moesim::model {
namespace vector_math {

constexpr int kLanes = 16;

}  // namespace vector_math

// x[i] = f(x[i]) for i in [0, n).
template <class S>
void exp_in_place(S* x, Index n) {
  for (Index i = 0; i < n; ++i) x[i] = vector_math::exp_value(x[i]);
}
template <class S>
void sigmoid_in_place(S* x, Index n) {
  for (Index i = 0; i < n; ++i) x[i] = vector_math::sigmoid_value(x[i]);
}
template <class S>
void tanh_in_place(S* x, Index n) {
  for (Index i = 0; i < n; ++i) x[i] = vector_math::tanh_value(x[i]);
}
template <class S>
void erf_in_place(S* x, Index n) {
  for (Index i = 0; i < n; ++i) x[i] = vector_math::erf_value(x[i]);
}

// The largest of x[0, n), -infinity where n is 0; NaNs are passed over.
template <class S>
S row_max(const S* x, Index n) {
  constexpr int kLanes = vector_math::kLanes;
  S lanes[kLanes];
  for (S& lane : lanes) lane = -std::numeric_limits<S>::infinity();
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
  }
  for (int l = 0; i < n; ++i, ++l) lanes[l] = x[i] > lanes[l] ? x[i] : lanes[l];
  S largest = lanes[0];
  for (const S lane : lanes) largest = lane > largest ? lane : largest;
  return largest;
}

// The sum of x[0, n): element i goes to lane i modulo 16; the lanes are then added pairwise.
template <class S>
S row_sum(const S* x, Index n) {
  constexpr int kLanes = vector_math::kLanes;
  S lanes[kLanes] = {};
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) lanes[l] += x[i + l];
  }
  for (int l = 0; i < n; ++i, ++l) lanes[l] += x[i];
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  }
  return lanes[0];
}

// The sum of x[i] y[i] over [0, n), in row_sum's order.
template <class S>
S row_dot(const S* x, const S* y, Index n) {
  constexpr int kLanes = vector_math::kLanes;
  S lanes[kLanes] = {};
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int l = 0; l < kLanes; ++l) lanes[l] += x[i + l] * y[i + l];
  }
  for (int l = 0; i < n; ++i, ++l) lanes[l] += x[i] * y[i];
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int l = 0; l < width; ++l) lanes[l] += lanes[l + width];
  }
  return lanes[0];
}

// x becomes its softmax; its maximum is subtracted first, so that no exponential overflows. Returns
// the logarithm of the sum of exponentials.
template <class S>
S softmax_in_place(S* x, Index n) {
  const S largest = row_max(x, n);
  for (Index i = 0; i < n; ++i) x[i] = vector_math::exp_of_negative(x[i] - largest);
  const S sum = row_sum(x, n);
  const S scale = S(1) / sum;
  for (Index i = 0; i < n; ++i) x[i] *= scale;
  return largest + vector_math::log_value(sum);
}

}  // namespace moesim::model
