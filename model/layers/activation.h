// SPDX-License-Identifier: Apache-2.0
// The activation functions of the feed-forward networks. gelu: x Phi(x), exact and in GPT-2's
// approximation (arXiv 1606.08415, section 2); silu: x sigmoid(x) (the same); relu: max(x, 0), with
// slope 0 at 0; tanh. Inline and without branches, so that a loop over values becomes vector code.
#pragma once

#include <numbers>
#include <type_traits>

#include "base/check.h"
#include "model/cpu/vector_math.h"
#include "model/moe_gpt_config.h"

namespace moesim::model {

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
  static ValueAndSlope<S> at(S x) {
    constexpr S kRootHalf = S(1) / std::numbers::sqrt2_v<S>;
    constexpr S kDensityAtZero = kRootHalf * std::numbers::inv_sqrtpi_v<S>;
    const S below = S(0.5) + S(0.5) * vector_math::erf_value(kRootHalf * x);
    const S density = kDensityAtZero * vector_math::exp_value(S(-0.5) * x * x);
    return {x * below, below + x * density};
  }
};

template <>
struct ActivationFunction<Activation::gelu_tanh> {
  template <class S>
  static ValueAndSlope<S> at(S x) {
    constexpr S kScale = std::numbers::sqrt2_v<S> * std::numbers::inv_sqrtpi_v<S>;
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
  static ValueAndSlope<S> at(S x) {
    return {x < S(0) ? S(0) : x, x > S(0) ? S(1) : S(0)};
  }
};

template <>
struct ActivationFunction<Activation::silu> {
  template <class S>
  static ValueAndSlope<S> at(S x) {
    const S s = vector_math::sigmoid_value(x);
    const S value = x * s;
    return {value, s + value * (S(1) - s)};
  }
};

template <>
struct ActivationFunction<Activation::tanh> {
  template <class S>
  static ValueAndSlope<S> at(S x) {
    const S value = vector_math::tanh_value(x);
    return {value, S(1) - value * value};
  }
};

// Calls visit(ActivationFunction<activation>{}) and returns its result.
template <class Visitor>
decltype(auto) with_activation(Activation activation, Visitor&& visit) {
  switch (activation) {
    case Activation::gelu:
      return visit(ActivationFunction<Activation::gelu>{});
    case Activation::gelu_tanh:
      return visit(ActivationFunction<Activation::gelu_tanh>{});
    case Activation::relu:
      return visit(ActivationFunction<Activation::relu>{});
    case Activation::silu:
      return visit(ActivationFunction<Activation::silu>{});
    case Activation::tanh:
      break;
  }
  CHECK(activation == Activation::tanh, "an activation is one of its enum");
  return visit(ActivationFunction<Activation::tanh>{});
}

}  // namespace moesim::model
