// SPDX-License-Identifier: Apache-2.0
// The functions of the experts' units, and their slopes, in fp32: those of
// model/layers/activation.h with the processor's own exp, erf and tanh.
#pragma once

#include <cmath>

#include "model/cuda/device_code.h"

namespace moesim::model::cuda {

enum class UnitFunction { gelu, gelu_tanh, relu, silu, tanh };

struct UnitValue {
  float value;
  float slope;
};

MOESIM_DEVICE_CODE float sigmoid_of(float x) { return 1.0f / (1.0f + expf(-x)); }

// f(x) and f'(x): gelu x Phi(x), exact and in GPT-2's approximation (arXiv 1606.08415, section 2);
// silu x sigmoid(x); relu max(x, 0), with slope 0 at 0.
MOESIM_DEVICE_CODE UnitValue unit_value(UnitFunction function, float x) {
  constexpr float kRootHalf = 0.70710678118654752f;
  constexpr float kDensityAtZero = 0.39894228040143268f;  // 1 / sqrt(2 pi)
  constexpr float kTanhScale = 0.79788456080286536f;      // sqrt(2 / pi)
  constexpr float kCubic = 0.044715f;
  if (function == UnitFunction::silu) {
    const float s = sigmoid_of(x);
    return {x * s, s * (1.0f + x * (1.0f - s))};
  }
  if (function == UnitFunction::relu) return {x < 0.0f ? 0.0f : x, x > 0.0f ? 1.0f : 0.0f};
  if (function == UnitFunction::tanh) {
    const float t = tanhf(x);
    return {t, 1.0f - t * t};
  }
  if (function == UnitFunction::gelu) {
    const float below = 0.5f + 0.5f * erff(kRootHalf * x);
    return {x * below, below + x * kDensityAtZero * expf(-0.5f * x * x)};
  }
  const float square = x * x;
  const float t = tanhf(kTanhScale * x * (1.0f + kCubic * square));
  const float below = 0.5f + 0.5f * t;
  const float slope = 0.5f * (1.0f - t * t) * kTanhScale * (1.0f + 3.0f * kCubic * square);
  return {x * below, below + x * slope};
}

}  // namespace moesim::model::cuda
