// SPDX-License-Identifier: Apache-2.0
// What becomes of a finished tile. An epilogue gets runs of up to 8 columns of an output row in
// fp32 (and the same columns of the second part, if the tile has two), whatever processor summed
// them: the rounding points of the expert layer are here and nowhere else. In bf16: z = x W,
// a = f(z) and every other stored value are rounded once, from fp32.
#pragma once

#include <cstdint>

#include "model/cuda/dropout_rule.h"
#include "model/cuda/gemm/bf16.h"
#include "model/cuda/gemm/shared_layout.h"
#include "model/cuda/gemm/unit_function.h"

namespace moesim::model::cuda {

// A run of columns [column, column + columns) of an output row; `columns` is 1 to 8, `column` a
// multiple of 8.
struct RunPlace {
  int expert;
  std::int64_t row;
  int column;
  int columns;
};

// Runs of elements between memory and registers: 16 bytes at a time where all 8 are there.
template <class Element>
MOESIM_DEVICE_CODE void load_run(const Element* from, int columns, float (&values)[kChunkColumns]) {
#if defined(__CUDA_ARCH__)
  if (columns == kChunkColumns) {
    constexpr int kVectors = static_cast<int>(sizeof(Element)) / 2;
    alignas(16) Element elements[kChunkColumns];
    for (int i = 0; i < kVectors; ++i) {
      reinterpret_cast<uint4*>(elements)[i] = reinterpret_cast<const uint4*>(from)[i];
    }
    for (int i = 0; i < kChunkColumns; ++i) values[i] = to_float(elements[i]);
    return;
  }
#endif
  for (int i = 0; i < kChunkColumns; ++i) values[i] = i < columns ? to_float(from[i]) : 0.0f;
}

template <class Element>
MOESIM_DEVICE_CODE void store_run(Element* to, int columns, const float (&values)[kChunkColumns]) {
#if defined(__CUDA_ARCH__)
  if (columns == kChunkColumns) {
    constexpr int kVectors = static_cast<int>(sizeof(Element)) / 2;
    alignas(16) Element elements[kChunkColumns];
    for (int i = 0; i < kChunkColumns; ++i) elements[i] = to_element<Element>(values[i]);
    for (int i = 0; i < kVectors; ++i) {
      reinterpret_cast<uint4*>(to)[i] = reinterpret_cast<const uint4*>(elements)[i];
    }
    return;
  }
#endif
  for (int i = 0; i < kChunkColumns; ++i) {
    if (i < columns) to[i] = to_element<Element>(values[i]);
  }
}

// values += a run of fp32, at any place.
MOESIM_DEVICE_CODE void add_run(const float* from, int columns, float (&values)[kChunkColumns]) {
  for (int i = 0; i < kChunkColumns; ++i) values[i] += i < columns ? from[i] : 0.0f;
}

// The dropout of an activation; draws are by place, so that both passes have the same factors.
struct UnitDropout {
  DropoutRule rule;
  std::int64_t line = 0;  // draws between rows, at least the units

  MOESIM_DEVICE_CODE float factor(const RunPlace& place, int i) const {
    return rule.factor(place.row * line + place.column + i);
  }
};

// z = x W + bias per part; a = f(z), or f(z gate) * (z up) with two parts, gate first, times the
// dropout's factor.
template <class Element, int kPartsOfTile>
struct ForwardUnits {
  static constexpr int kParts = kPartsOfTile;
  static constexpr bool kSumsRows = false;

  const float* bias[2] = {nullptr, nullptr};  // [experts, units], or null
  Element* z[2] = {nullptr, nullptr};         // [rows, stride], or null: not kept
  Element* activated = nullptr;               // [rows, stride]
  std::int64_t stride = 0;
  int units = 0;
  UnitFunction function = UnitFunction::silu;
  UnitDropout dropout;

  MOESIM_DEVICE_CODE float finish(const RunPlace& place,
                                  float (&values)[kParts][kChunkColumns]) const {
    const std::int64_t at = place.row * stride + place.column;
    const std::int64_t unit = static_cast<std::int64_t>(place.expert) * units + place.column;
    for (int part = 0; part < kParts; ++part) {
      if (bias[part] != nullptr) add_run(bias[part] + unit, place.columns, values[part]);
    }
    float result[kChunkColumns];
    for (int i = 0; i < kChunkColumns; ++i) {
      result[i] = unit_value(function, values[0][i]).value;
      if (kParts == 2) result[i] *= values[kParts - 1][i];
      result[i] *= dropout.factor(place, i);
    }
    for (int part = 0; part < kParts; ++part) {
      if (z[part] != nullptr) store_run(z[part] + at, place.columns, values[part]);
    }
    store_run(activated + at, place.columns, result);
    return 0.0f;
  }
};

// The tile is da' = dO W_down^T, the gradient of the activations before the routing weight w. With
// z from the forward pass, a is computed anew; d_z = w da' f'(z), for two parts d_gate = w da' u f'
// and d_up = w da' f. `weighted` = w a is what the gradient of W_down needs; the sums over columns
// of da' a are the gradient of w, without the experts' outputs.
template <class Element>
struct BackwardUnits {
  static constexpr int kParts = 1;
  static constexpr bool kSumsRows = true;

  const Element* z_gate = nullptr;  // [rows, stride]; null: plain
  const Element* z_up = nullptr;    // [rows, stride]
  const float* weight = nullptr;    // [rows]; null: 1
  Element* d_gate = nullptr;        // [rows, stride]; gated only
  Element* d_up = nullptr;
  Element* weighted = nullptr;
  float* weight_sums = nullptr;  // [rows, sum_columns] of 64 columns each; null: not asked for
  std::int64_t stride = 0;
  int sum_columns = 0;
  UnitFunction function = UnitFunction::silu;
  UnitDropout dropout;

  MOESIM_DEVICE_CODE float finish(const RunPlace& place,
                                  float (&values)[kParts][kChunkColumns]) const {
    const std::int64_t at = place.row * stride + place.column;
    const bool gated = z_gate != nullptr;
    const float w = weight == nullptr ? 1.0f : weight[place.row];
    float gate[kChunkColumns], up[kChunkColumns], activated[kChunkColumns];
    load_run(z_up + at, place.columns, up);
    if (gated) load_run(z_gate + at, place.columns, gate);
    float sum = 0.0f;
    for (int i = 0; i < kChunkColumns; ++i) {
      const UnitValue f = unit_value(function, gated ? gate[i] : up[i]);
      const float factor = dropout.factor(place, i);
      const float a = factor * (gated ? f.value * up[i] : f.value);
      const float da = w * factor * values[0][i];
      if (i < place.columns) sum += values[0][i] * a;
      gate[i] = gated ? da * up[i] * f.slope : 0.0f;
      up[i] = gated ? da * f.value : da * f.slope;
      activated[i] = w * a;
    }
    if (gated) store_run(d_gate + at, place.columns, gate);
    store_run(d_up + at, place.columns, up);
    store_run(weighted + at, place.columns, activated);
    return sum;
  }
  // `sum` over the 64 columns from `column` on, a multiple of 64.
  MOESIM_DEVICE_CODE void finish_row(std::int64_t row, int column, float sum) const {
    if (weight_sums != nullptr) weight_sums[row * sum_columns + column / kSliceFloats] = sum;
  }
};

// The product itself, as elements or as fp32; added to what is there where `accumulate` is set.
template <class Element>
struct StoreOutput {
  static constexpr int kParts = 1;
  static constexpr bool kSumsRows = false;

  Element* elements = nullptr;  // one of the two
  float* floats = nullptr;
  std::int64_t stride = 0;
  std::int64_t expert_stride = 0;  // into_weights: between experts; else 0
  const float* bias = nullptr;     // [experts, columns], or null
  int columns = 0;
  bool accumulate = false;

  MOESIM_DEVICE_CODE float finish(const RunPlace& place,
                                  float (&values)[kParts][kChunkColumns]) const {
    const std::int64_t at = place.expert * expert_stride + place.row * stride + place.column;
    if (bias != nullptr) {
      const std::int64_t column = static_cast<std::int64_t>(place.expert) * columns + place.column;
      add_run(bias + column, place.columns, values[0]);
    }
    if (accumulate) {
      float before[kChunkColumns];
      if (floats != nullptr) {
        load_run(floats + at, place.columns, before);
      } else {
        load_run(elements + at, place.columns, before);
      }
      add_run(before, place.columns, values[0]);
    }
    if (floats != nullptr) {
      store_run(floats + at, place.columns, values[0]);
    } else {
      store_run(elements + at, place.columns, values[0]);
    }
    return 0.0f;
  }
};

}  // namespace moesim::model::cuda
