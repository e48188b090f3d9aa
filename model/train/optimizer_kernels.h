// SPDX-License-Identifier: Apache-2.0
// The optimizer's loops over consecutive elements. Inner to this folder. They vectorise where the
// compiler need not set errno for square roots (-fno-math-errno); the bits are the same without.
#pragma once

#include "model/matrix.h"
#include "model/train/optimizer_element.h"

namespace moesim::model {

struct AdamwArrays {
  float* weight = nullptr;
  float* first = nullptr;
  float* second = nullptr;
};

void adamw_update(const AdamwRates& rates, Index count, const float* gradient,
                  const AdamwArrays& arrays);

void sgd_update(const SgdRates& rates, Index count, const float* gradient, float* weight,
                float* velocity);

// `rounded` may be `values`.
void round_to_bfloat16(const float* values, Index count, float* rounded);

double sum_of_squares(const float* values, Index count);

}  // namespace moesim::model
