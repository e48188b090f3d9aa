// SPDX-License-Identifier: Apache-2.0
// The optimizer's step over all parameters in one launch: model/train/optimizer.h bit for bit.
#pragma once

#include "model/bfloat16.h"
#include "model/cuda/device.h"
#include "model/train/optimizer_element.h"

namespace moesim::model::cuda {

// Consecutive elements that learn at the same rate.
struct ParameterPiece {
  std::int64_t first = 0;
  int size = 0;
  int run = 0;  // which rates
};

// The sum of squares of a piece's gradients in double, by eight lanes of a warp.
struct SumSquares {
  static constexpr int kThreads = 32;

  const ParameterPiece* pieces = nullptr;  // [blocks]
  const float* gradient = nullptr;
  double* sums = nullptr;  // [blocks]

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    constexpr int kLanes = 8;
    const ParameterPiece piece = pieces[thread.block()];
    double sum = 0;
    for (int i = thread.index(); i < piece.size && thread.index() < kLanes; i += kLanes) {
      const double value = gradient[piece.first + i];
      sum += value * value;
    }
    double all = 0;
    for (int lane = 0; lane < kLanes; ++lane) all += thread.shuffle(sum, lane);
    if (thread.index() == 0) sums[thread.block()] = all;
  }
};

struct OptimizerArrays {
  const float* gradient = nullptr;
  float* weight = nullptr;   // the masters where there are any
  float* working = nullptr;  // rounded to bf16; null: the weights are not rounded
  float* first = nullptr;
  float* second = nullptr;

  MOESIM_KERNEL_CODE void step(const AdamwRates& rates, std::int64_t i) const {
    const AdamwElement next = adamw_element(rates, gradient[i], {weight[i], first[i], second[i]});
    weight[i] = next.weight;
    first[i] = next.first;
    second[i] = next.second;
  }
  MOESIM_KERNEL_CODE void step(const SgdRates& rates, std::int64_t i) const {
    const SgdElement next = sgd_element(rates, gradient[i], {weight[i], first[i]});
    weight[i] = next.weight;
    first[i] = next.velocity;
  }
};

template <class Rates>
struct StepBy {
  static constexpr int kThreads = 256;

  const ParameterPiece* pieces = nullptr;  // [blocks]
  const Rates* rates = nullptr;            // [runs]
  OptimizerArrays arrays;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    const ParameterPiece piece = pieces[thread.block()];
    const Rates r = rates[piece.run];
    for (std::int64_t i = piece.first + thread.index(); i < piece.first + piece.size;
         i += kThreads) {
      arrays.step(r, i);
      if (arrays.working != nullptr) arrays.working[i] = round_to_bfloat16(arrays.weight[i]);
    }
  }
};

using StepByAdamw = StepBy<AdamwRates>;
using StepBySgd = StepBy<SgdRates>;

}  // namespace moesim::model::cuda
