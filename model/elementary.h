// SPDX-License-Identifier: Apache-2.0
// Elementary functions of one value, the same bits on every processor and device: polynomials with
// explicit fused multiply-adds, and no branches, so that a compiler makes vector code of a loop.
// Read by both compilers: C++17, free of Eigen.
//
// float: relative error at most 2e-7, over all arguments whose result is a normal number; smaller
// results may be 0; NaN gives NaN. The polynomials are minimax fits (Remez) to the functions in
// relative error, computed with 40 digits and rounded to float. double: the standard library's
// functions.
#pragma once

#include <cmath>
#include <cstdint>

#include "model/cuda/device_code.h"

namespace moesim::model {
namespace vector_math {

// a b + c, rounded once.
MOESIM_DEVICE_CODE float fused_multiply_add(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return fmaf(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}

MOESIM_DEVICE_CODE std::uint32_t bits_of(float value) {
  return __builtin_bit_cast(std::uint32_t, value);
}
MOESIM_DEVICE_CODE float from_bits(std::uint32_t bits) { return __builtin_bit_cast(float, bits); }

// first ? a : b. By bits, since the compiler makes a branch of a choice when it can skip the
// computation of one side by it, and no vector code of a loop with branches.
MOESIM_DEVICE_CODE float choose(bool first, float a, float b) {
  const std::uint32_t mask = first ? ~0U : 0U;
  return from_bits((bits_of(a) & mask) | (bits_of(b) & ~mask));
}

// Horner's rule, coefficients from the highest power down. Recursive, since a loop would have to be
// unrolled before the compiler makes vector code of the loop around it.
MOESIM_DEVICE_CODE float polynomial(float /*x*/, float value) { return value; }
template <class... Rest>
MOESIM_DEVICE_CODE float polynomial(float x, float value, float next, Rest... rest) {
  return polynomial(x, fused_multiply_add(value, x, next), rest...);
}

// e^r for |r| <= ln(2) / 2.
MOESIM_DEVICE_CODE float exp_near_zero(float r) {
  return polynomial(r, 1.381448004e-03F, 8.368779905e-03F, 4.166839272e-02F, 1.666651964e-01F,
                    4.999999404e-01F, 1.0F, 1.0F);
}

// x - n ln 2, ln 2 in two parts.
MOESIM_DEVICE_CODE float without_twos(float x, float n) {
  return fused_multiply_add(n, -0x1.7f7d1cp-20F, fused_multiply_add(n, -0x1.62e400p-1F, x));
}

constexpr float kTwosInE = 0x1.715476p+0F;  // 1 / ln 2
// Adding it rounds to an integer, in the lowest bits.
constexpr float kRound = 0x1.8p23F;

// e^x = 2^n e^r with n = round(x / ln 2). Of 2^n there are two factors, since n reaches beyond a
// float's exponents at both ends.
MOESIM_DEVICE_CODE float exp_value(float x) {
  x = x > 89.0F ? 89.0F : x;      // infinity from 88.73 on
  x = x < -104.0F ? -104.0F : x;  // zero from -103.98 down
  const float rounded = fused_multiply_add(x, kTwosInE, kRound);
  const float tail = exp_near_zero(without_twos(x, rounded - kRound));
  const auto n = static_cast<std::int32_t>(bits_of(rounded) - bits_of(kRound));
  // Of a NaN n is garbage, which must only not overflow.
  const std::int32_t half = (((n >> 1) & 0xff) ^ 0x80) - 0x80;
  const std::int32_t rest = half + (n & 1);
  const auto power = [](std::int32_t exponent) {
    return from_bits(static_cast<std::uint32_t>(exponent + 127) << 23);
  };
  return tail * power(half) * power(rest);
}

// e^x for x <= 0, at two thirds of the price: 0 where the result is below the normal numbers.
MOESIM_DEVICE_CODE float exp_of_negative(float x) {
  constexpr float kRoundToExponent = kRound + 127;  // leaves n + 127, a float's exponent
  constexpr float kLeast = -87.33654F;
  const float y = x < kLeast ? kLeast : x;
  const float rounded = fused_multiply_add(y, kTwosInE, kRoundToExponent);
  const float tail = exp_near_zero(without_twos(y, rounded - kRoundToExponent));
  const std::uint32_t power = bits_of(rounded) << 23;
  return tail * choose(x < kLeast, 0.0F, from_bits(power));
}

// 1 / (1 + e^-x), from e^-|x|, which never overflows.
MOESIM_DEVICE_CODE float sigmoid_value(float x) {
  const float e = exp_of_negative(-std::fabs(x));
  return choose(x < 0.0F, e, 1.0F) / (1.0F + e);
}

// x + x^3 p(x^2) near 0, (1 - e^-2|x|) / (1 + e^-2|x|) elsewhere.
MOESIM_DEVICE_CODE float tanh_value(float x) {
  const float size = std::fabs(x);
  const float square = x * x;
  const float cubic = polynomial(square, -5.515169818e-03F, 2.046942711e-02F, -5.368802696e-02F,
                                 1.333083063e-01F, -3.333325982e-01F);
  const float small = fused_multiply_add(cubic * square, x, x);
  const float e = exp_of_negative(-2.0F * size);
  const float large = (1.0F - e) / (1.0F + e);
  return choose(size < 0.625F, small, std::copysign(large, x));
}

// x + x p(x^2) near 0; elsewhere 1 - e^(t p(t) - t) with t = |x|, at most 4, where erf is 1.
MOESIM_DEVICE_CODE float erf_value(float x) {
  const float size = std::fabs(x);
  const float slope = polynomial(x * x, -5.953728687e-04F, 4.985937849e-03F, -2.676171809e-02F,
                                 1.128168255e-01F, -3.761247993e-01F, 1.283791512e-01F);
  const float small = fused_multiply_add(slope, x, x);
  const float t = choose(size > 4.0F, 4.0F, size);
  const float logarithm = polynomial(t, 2.139849385e-04F, -3.214955563e-03F, 2.288996428e-02F,
                                     -1.052618399e-01F, -6.357182860e-01F, -1.285143644e-01F);
  const float large = 1.0F - exp_of_negative(fused_multiply_add(logarithm, t, -t));
  return choose(size < 0.925F, small, std::copysign(large, x));
}

// The logarithm of (1 + s) / (1 - s) for |s| <= 1/3: 2 s (1 + s^2 / 3 + s^4 / 5 + ...), Taylor's,
// to where what is left out is below 2e-9 of the whole.
MOESIM_DEVICE_CODE float twice_artanh(float s) {
  const float square = s * s;
  const float rest =
      polynomial(square, 1.0F / 15, 1.0F / 13, 1.0F / 11, 1.0F / 9, 1.0F / 7, 1.0F / 5, 1.0F / 3);
  return fused_multiply_add(2.0F * s, rest * square, 2.0F * s);
}

// The logarithm of 1 + x for 0 <= x <= 1.
MOESIM_DEVICE_CODE float log_one_plus(float x) { return twice_artanh(x / (2.0F + x)); }

// The logarithm of a normal number x > 0, or of infinity: of x = 2^n m with m between the roots of
// 1/2 and of 2, n ln 2 + log m.
MOESIM_DEVICE_CODE float log_value(float x) {
  constexpr std::uint32_t kRootHalf = 0x3f3504f3;  // the bits of 0.70710678
  constexpr std::uint32_t kExponent = 0xff800000;
  const std::uint32_t above = (bits_of(x) - kRootHalf) & kExponent;
  const float m = from_bits(bits_of(x) - above);
  const std::int32_t exponent = static_cast<std::int32_t>(above) / (1 << 23);  // no remainder
  const auto n = static_cast<float>(exponent);
  const float logarithm = twice_artanh((m - 1.0F) / (m + 1.0F));
  const float result =
      fused_multiply_add(n, 0x1.62e400p-1F, fused_multiply_add(n, 0x1.7f7d1cp-20F, logarithm));
  return choose(x < from_bits(0x7f800000U), result, x);
}

// The logarithm of 1 / (1 + e^-x).
MOESIM_DEVICE_CODE float log_sigmoid_value(float x) {
  return choose(x < 0.0F, x, 0.0F) - log_one_plus(exp_of_negative(-std::fabs(x)));
}

MOESIM_DEVICE_CODE double exp_value(double x) { return std::exp(x); }
MOESIM_DEVICE_CODE double exp_of_negative(double x) { return std::exp(x); }
MOESIM_DEVICE_CODE double sigmoid_value(double x) {
  const double e = std::exp(-std::fabs(x));
  return (x < 0 ? e : 1.0) / (1.0 + e);
}
MOESIM_DEVICE_CODE double tanh_value(double x) { return std::tanh(x); }
MOESIM_DEVICE_CODE double erf_value(double x) { return std::erf(x); }
MOESIM_DEVICE_CODE double log_one_plus(double x) { return std::log1p(x); }
MOESIM_DEVICE_CODE double log_value(double x) { return std::log(x); }
MOESIM_DEVICE_CODE double log_sigmoid_value(double x) {
  return (x < 0 ? x : 0.0) - std::log1p(std::exp(-std::fabs(x)));
}

}  // namespace vector_math
}  // namespace moesim::model
