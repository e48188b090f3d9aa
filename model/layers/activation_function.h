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

// What the formulas are made of: functions whose bits are the same everywhere. A kernel that
// promises no bits may give others of the same names.
struct PortableFunctions {
  template <class S>
  static MOESIM_DEVICE_CODE S exp(S x) {
    return vector_math::exp_value(x);
  }
  template <class S>
  static MOESIM_DEVICE_CODE S erf(S x) {
    return vector_math::erf_value(x);
  }
  template <class S>
  static MOESIM_DEVICE_CODE S tanh(S x) {
    return vector_math::tanh_value(x);
  }
  template <class S>
  static MOESIM_DEVICE_CODE S sigmoid(S x) {
    return vector_math::sigmoid_value(x);
  }
};

template <Activation activation, class Functions = PortableFunctions>
struct ActivationFunction;

template <class Functions>
struct ActivationFunction<Activation::gelu, Functions> {
  template <class S>
  static MOESIM_DEVICE_CODE ValueAndSlope<S> at(S x) {
    constexpr S kRootHalf = S(1) / kRootOfTwo<S>;
    constexpr S kDensityAtZero = kRootHalf * kInverseRootOfPi<S>;
    const S below = S(0.5) + S(0.5) * Functions::erf(kRootHalf * x);
    const S density = kDensityAtZero * Functions::exp(S(-0.5) * x * x);
    return {x * below, below + x * density};
  }
};

template <class Functions>
struct ActivationFunction<Activation::gelu_tanh, Functions> {
  template <class S>
  static MOESIM_DEVICE_CODE ValueAndSlope<S> at(S x) {
    constexpr S kScale = kRootOfTwo<S> * kInverseRootOfPi<S>;
    constexpr S kCubic = S(0.044715L);
    const S square = x * x;
    const S t = Functions::tanh(kScale * x * (S(1) + kCubic * square));
    const S below = S(0.5) + S(0.5) * t;
    const S slope_of_below = S(0.5) * (S(1) - t * t) * kScale * (S(1) + S(3) * kCubic * square);
    return {x * below, below + x * slope_of_below};
  }
};

template <class Functions>
struct ActivationFunction<Activation::relu, Functions> {
  // A NaN stays one.
  template <class S>
  static MOESIM_DEVICE_CODE ValueAndSlope<S> at(S x) {
    return {x < S(0) ? S(0) : x, x > S(0) ? S(1) : S(0)};
  }
};

template <class Functions>
struct ActivationFunction<Activation::silu, Functions> {
  template <class S>
  static MOESIM_DEVICE_CODE ValueAndSlope<S> at(S x) {
    const S s = Functions::sigmoid(x);
    const S value = x * s;
    return {value, s + value * (S(1) - s)};
  }
};

template <class Functions>
struct ActivationFunction<Activation::tanh, Functions> {
  template <class S>
  static MOESIM_DEVICE_CODE ValueAndSlope<S> at(S x) {
    const S value = Functions::tanh(x);
    return {value, S(1) - value * value};
  }
};

// The same by the activation's name, where it is known only as the kernel runs.
template <class Functions = PortableFunctions>
MOESIM_DEVICE_CODE ValueAndSlope<float> activate(Activation activation, float x) {
  switch (activation) {
    case Activation::gelu:
      return ActivationFunction<Activation::gelu, Functions>::at(x);
    case Activation::gelu_tanh:
      return ActivationFunction<Activation::gelu_tanh, Functions>::at(x);
    case Activation::relu:
      return ActivationFunction<Activation::relu, Functions>::at(x);
    case Activation::silu:
      return ActivationFunction<Activation::silu, Functions>::at(x);
    case Activation::tanh:
      return ActivationFunction<Activation::tanh, Functions>::at(x);
  }
  return {x, 1.0F};
}

}  // namespace moesim::model
