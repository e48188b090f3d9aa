// SPDX-License-Identifier: Apache-2.0
// From an activation's name, which a file chooses, to its function, which a loop compiles in.
#pragma once

#include "base/check.h"
#include "model/layers/activation_function.h"

namespace moesim::model {

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
