// SPDX-License-Identifier: Apache-2.0
// Elementary functions on arrays, without branches, so that the compiler makes vector code of them.
// An element's result does not depend on its place in the array nor on the array's length: fused
// multiply-adds are explicit, and sums have 16 lanes in a fixed order.
//
// float: relative error at most 2e-7, over all arguments whose result is a normal number; smaller
// results may be 0; NaN gives NaN. The polynomials are minimax fits (Remez) to the functions in
// relative error, computed with 40 digits and rounded to float. double: the standard library's
// functions.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "model/matrix.h"

namespace moesim::model {
namespace vector_math {

// first ? a : b. By bits, since the compiler makes a branch of a choice when it can skip the
// computation of one side by it, and no vector code of a loop with branches.
inline float choose(bool first, float a, float b) {
  const std::uint32_t mask = first ? ~0U : 0U;
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(a) & mask) |
                              (std::bit_cast<std::uint32_t>(b) & ~mask));
}

// Horner's rule, coefficients from the highest power down. Recursive, since a loop would have to be
// unrolled before the compiler makes vector code of the loop around it.
inline float polynomial(float /*x*/, float value) { return value; }
template <class... Rest>
float polynomial(float x, float value, float next, Rest... rest) {
  return polynomial(x, __builtin_fmaf(value, x, next), rest...);
}

// e^r for |r| <= ln(2) / 2.
inline float exp_near_zero(float r) {
  return polynomial(r, 1.381448004e-03F, 8.368779905e-03F, 4.166839272e-02F, 1.666651964e-01F,
                    4.999999404e-01F, 1.0F, 1.0F);
}

// x - n ln 2, ln 2 in two parts.
inline float without_twos(float x, float n) {
  return __builtin_fmaf(n, -0x1.7f7d1cp-20F, __builtin_fmaf(n, -0x1.62e400p-1F, x));
}

constexpr float kTwosInE = 0x1.715476p+0F;  // 1 / ln 2
// Adding it rounds to an integer, in the lowest bits.
constexpr float kRound = 0x1.8p23F;

// e^x = 2^n e^r with n = round(x / ln 2). Of 2^n there are two factors, since n reaches beyond a
// float's exponents at both ends.
inline float exp_value(float x) {
  x = x > 89.0F ? 89.0F : x;      // infinity from 88.73 on
  x = x < -104.0F ? -104.0F : x;  // zero from -103.98 down
  const float rounded = __builtin_fmaf(x, kTwosInE, kRound);
  const float tail = exp_near_zero(without_twos(x, rounded - kRound));
  const auto n = static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(rounded) -
                                           std::bit_cast<std::uint32_t>(kRound));
  // Of a NaN n is garbage, which must only not overflow.
  const std::int32_t half = (((n >> 1) & 0xff) ^ 0x80) - 0x80;
  const std::int32_t rest = half + (n & 1);
  const auto power = [](std::int32_t exponent) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(exponent + 127) << 23);
  };
  return tail * power(half) * power(rest);
}

// e^x for x <= 0, at two thirds of the price: 0 where the result is below the normal numbers.
inline float exp_of_negative(float x) {
  constexpr float kRoundToExponent = kRound + 127;  // leaves n + 127, a float's exponent
  constexpr float kLeast = -87.33654F;
  const float y = x < kLeast ? kLeast : x;
  const float rounded = __builtin_fmaf(y, kTwosInE, kRoundToExponent);
  const float tail = exp_near_zero(without_twos(y, rounded - kRoundToExponent));
  const std::uint32_t power = std::bit_cast<std::uint32_t>(rounded) << 23;
  return tail * choose(x < kLeast, 0.0F, std::bit_cast<float>(power));
}

// 1 / (1 + e^-x), from e^-|x|, which never overflows.
inline float sigmoid_value(float x) {
  const float e = exp_of_negative(-std::fabs(x));
  return choose(x < 0.0F, e, 1.0F) / (1.0F + e);
}

// x + x^3 p(x^2) near 0, (1 - e^-2|x|) / (1 + e^-2|x|) elsewhere.
inline float tanh_value(float x) {
  const float size = std::fabs(x);
  const float square = x * x;
  const float cubic = polynomial(square, -5.515169818e-03F, 2.046942711e-02F, -5.368802696e-02F,
                                 1.333083063e-01F, -3.333325982e-01F);
  const float small = __builtin_fmaf(cubic * square, x, x);
  const float e = exp_of_negative(-2.0F * size);
  const float large = (1.0F - e) / (1.0F + e);
  return choose(size < 0.625F, small, std::copysign(large, x));
}

// x + x p(x^2) near 0; elsewhere 1 - e^(t p(t) - t) with t = |x|, at most 4, where erf is 1.
inline float erf_value(float x) {
  const float size = std::fabs(x);
  const float slope = polynomial(x * x, -5.953728687e-04F, 4.985937849e-03F, -2.676171809e-02F,
                                 1.128168255e-01F, -3.761247993e-01F, 1.283791512e-01F);
  const float small = __builtin_fmaf(slope, x, x);
  const float t = choose(size > 4.0F, 4.0F, size);
  const float logarithm = polynomial(t, 2.139849385e-04F, -3.214955563e-03F, 2.288996428e-02F,
                                     -1.052618399e-01F, -6.357182860e-01F, -1.285143644e-01F);
  const float large = 1.0F - exp_of_negative(__builtin_fmaf(logarithm, t, -t));
  return choose(size < 0.925F, small, std::copysign(large, x));
}

inline double exp_value(double x) { return std::exp(x); }
inline double exp_of_negative(double x) { return std::exp(x); }
inline double sigmoid_value(double x) {
  const double e = std::exp(-std::fabs(x));
  return (x < 0 ? e : 1.0) / (1.0 + e);
}
inline double tanh_value(double x) { return std::tanh(x); }
inline double erf_value(double x) { return std::erf(x); }

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
  return largest + std::log(sum);
}

}  // namespace moesim::model
