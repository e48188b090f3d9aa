// SPDX-License-Identifier: Apache-2.0
#include "model/train/optimizer_kernels.h"

#include "model/bfloat16.h"

#include <array>

namespace moesim::model {

void adamw_update(const AdamwRates& rates, Index count, const float* gradient,
                  const AdamwArrays& arrays) {
  const auto [w, m, v] = arrays;
  const AdamwRates r = rates;  // a copy, which no store into the arrays can change
  for (Index i = 0; i < count; ++i) {
    const AdamwElement next = adamw_element(r, gradient[i], {w[i], m[i], v[i]});
    m[i] = next.first;
    v[i] = next.second;
    w[i] = next.weight;
  }
}

void sgd_update(const SgdRates& rates, Index count, const float* gradient, float* weight,
                float* velocity) {
  const SgdRates r = rates;
  for (Index i = 0; i < count; ++i) {
    const SgdElement next = sgd_element(r, gradient[i], {weight[i], velocity[i]});
    velocity[i] = next.velocity;
    weight[i] = next.weight;
  }
}

void round_to_bfloat16(const float* values, Index count, float* rounded) {
  for (Index i = 0; i < count; ++i) rounded[i] = round_to_bfloat16(values[i]);
}

double sum_of_squares(const float* values, Index count) {
  // Eight sums side by side, so that additions need not wait for each other, in an order of ours.
  constexpr Index kLanes = 8;
  std::array<double, kLanes> sums{};
  Index i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (Index lane = 0; lane < kLanes; ++lane) {
      const double value = values[i + lane];
      sums[static_cast<std::size_t>(lane)] += value * value;
    }
  }
  for (Index lane = 0; i < count; ++i, ++lane) {
    const double value = values[i];
    sums[static_cast<std::size_t>(lane)] += value * value;
  }
  double sum = 0;
  for (const double lane : sums) sum += lane;
  return sum;
}

}  // namespace moesim::model
