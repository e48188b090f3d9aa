// SPDX-License-Identifier: Apache-2.0
// The activation functions of the feed-forward networks, for both compilers (C++17, free of Eigen).
// gelu: x Phi(x), exact and in GPT-2's approximation (arXiv 1606.08415, section 2); silu: x
// sigmoid(x) (the same); relu: max(x, 0), with slope 0 at 0; tanh. Inline and without branches, so
// that a loop over values becomes vector code.
#pragma once

#include "model/elementary.h"

namespace moesim::model {

// gelu: x Phi(x); gelu_tanh: GPT-2's approximation.
enum class Activation { gelu, gelu_tanh, relu, silu, tanh };

template <class S>
constexpr S kRootOfTwo = S(1.41421356237309504880168872420969808L);
template <class S>
constexpr S kInverseRootOfPi = S(0.564189583547756286948079451560772586L);

// f(x) and f'(x).
template <class S>
struct ValueAndSlope {
  S value;
  S slope;
};

template <Activation activation>
struct ActivationFunction;

template <>
struct ActivationFunction<Activation::gelu> {
  template <class S>
  static MOESIM_DEVICE_CODE ValueAndSlope<S> at(S x) {
    constexpr S kRootHalf = S(1) / kRootOfTwo<S>;
    constexpr S kDensityAtZero = kRootHalf * kInverseRootOfPi<S>;
    const S below = S(0.5) + S(0.5) * vector_math::erf_value(kRootHalf * x);
    const S density = kDensityAtZero * vector_math::exp_value(S(-0.5) * x * x);
    return {x * below, below + x * density};
  }
};

template <>
struct ActivationFunction<Activation::gelu_tanh> {
  template <class S>
  static MOESIM_DEVICE_CODE ValueAndSlope<S> at(S x) {
    constexpr S kScale = kRootOfTwo<S> * kInverseRootOfPi<S>;
    constexpr S kCubic = S(0.044715L);
    const S square = x * x;
    const S t = vector_math::tanh_value(kScale * x * (S(1) + kCubic * square));
    const S below = S(0.5) + S(0.5) * t;
    const S slope_of_below = S(0.5) * (S(1) - t * t) * kScale * (S(1) + S(3) * kCubic * square);
    return {x * below, below + x * slope_of_below};
  }
};

template <>
struct ActivationFunction<Activation::relu> {
  // A NaN stays one.
  template <class S>
  static MOESIM_DEVICE_CODE ValueAndSlope<S> at(S x) {
    return {x < S(0) ? S(0) : x, x > S(0) ? S(1) : S(0)};
  }
};

template <>
struct ActivationFunction<Activation::silu> {
  template <class S>
  static MOESIM_DEVICE_CODE ValueAndSlope<S> at(S x) {
    const S s = vector_math::sigmoid_value(x);
    const S value = x * s;
    return {value, s + value * (S(1) - s)};
  }
};

template <>
struct ActivationFunction<Activation::tanh> {
  template <class S>
  static MOESIM_DEVICE_CODE ValueAndSlope<S> at(S x) {
    const S value = vector_math::tanh_value(x);
    return {value, S(1) - value * value};
  }
};

}  // namespace moesim::model
