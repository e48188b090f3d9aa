// SPDX-License-Identifier: Apache-2.0
// The optimizer's step of one element, for the processor's loops and the device's kernels (C++17,
// free of Eigen).
#pragma once

#include <cmath>

#include "model/elementary.h"

namespace moesim::model {

// The numbers of a step that are the same for all elements of a run.
struct AdamwRates {
  float gradient_scale = 1;
  float keep_weight = 1;        // 1 - learning rate x decay
  float keep_first = 0;         // beta1
  float add_first = 1;          // 1 - beta1
  float keep_second = 0;        // beta2
  float add_second = 1;         // 1 - beta2
  float step_size = 0;          // learning rate / (1 - beta1^t)
  float second_correction = 1;  // 1 / (1 - beta2^t)
  float epsilon = 0;
};

struct AdamwElement {
  float weight;
  float first;
  float second;
};

MOESIM_DEVICE_CODE AdamwElement adamw_element(const AdamwRates& r, float gradient,
                                              const AdamwElement& old) {
  const float slope = gradient * r.gradient_scale;
  const float first = r.keep_first * old.first + r.add_first * slope;
  const float second = r.keep_second * old.second + r.add_second * (slope * slope);
  const float spread = std::sqrt(second * r.second_correction) + r.epsilon;
  return {old.weight * r.keep_weight - r.step_size * first / spread, first, second};
}

struct SgdRates {
  float gradient_scale = 1;
  float keep_weight = 1;
  float momentum = 0;
  float step_size = 0;
};

struct SgdElement {
  float weight;
  float velocity;
};

MOESIM_DEVICE_CODE SgdElement sgd_element(const SgdRates& r, float gradient,
                                          const SgdElement& old) {
  const float speed = r.momentum * old.velocity + gradient * r.gradient_scale;
  return {old.weight * r.keep_weight - r.step_size * speed, speed};
}

}  // namespace moesim::model
