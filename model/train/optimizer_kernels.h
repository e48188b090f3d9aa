// SPDX-License-Identifier: Apache-2.0
// The optimizer's loops over consecutive elements. Inner to this folder. They vectorise where the
// compiler need not set errno for square roots (-fno-math-errno); the bits are the same without.
#pragma once

#include "model/matrix.h"

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

struct AdamwArrays {
  float* weight = nullptr;
  float* first = nullptr;
  float* second = nullptr;
};

void adamw_update(const AdamwRates& rates, Index count, const float* gradient,
                  const AdamwArrays& arrays);

struct SgdRates {
  float gradient_scale = 1;
  float keep_weight = 1;
  float momentum = 0;
  float step_size = 0;
};

void sgd_update(const SgdRates& rates, Index count, const float* gradient, float* weight,
                float* velocity);

// `rounded` may be `values`.
void round_to_bfloat16(const float* values, Index count, float* rounded);

double sum_of_squares(const float* values, Index count);

}  // namespace moesim::model
