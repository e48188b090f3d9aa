// SPDX-License-Identifier: Apache-2.0
// The products of a stack of experts, planned where the rows' counts are: on the device. What
// ExpertProducts of model/layers/expert_products.h gathers on the processor.
#pragma once

#include "model/cuda/device.h"
#include "model/cuda/kernels/halving.h"
#include "model/cuda/kernels/multiply.h"

namespace moesim::model::cuda {

// An expert's place among the rows, the units and the activations.
struct ExpertSpan {
  std::int64_t first_row = 0;
  std::int64_t rows = 0;
  std::int64_t first_unit = 0;  // in the weights' stack
  std::int64_t units = 0;
  std::int64_t activations = 0;  // where its [rows, units] block begins
};

// The spans of all experts, by one block.
struct PlaceExperts {
  static constexpr int kThreads = 128;

  const std::int32_t* first_row = nullptr;   // [experts + 1]
  const std::int64_t* first_unit = nullptr;  // [experts + 1]
  ExpertSpan* spans = nullptr;               // [experts]
  int experts = 0;

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    for (int e = thread.index(); e < experts; e += kThreads) {
      ExpertSpan span;
      span.first_row = first_row[e];
      span.rows = first_row[e + 1] - first_row[e];
      span.first_unit = first_unit[e];
      span.units = first_unit[e + 1] - first_unit[e];
      for (int before = 0; before < e; ++before) {
        span.activations += (first_row[before + 1] - std::int64_t{first_row[before]}) *
                            (first_unit[before + 1] - first_unit[before]);
      }
      spans[e] = span;
    }
  }
};

// The expert whose row it is: the last that does not begin after it.
MOESIM_DEVICE_CODE int expert_of_row(const ExpertSpan* spans, int experts, std::int64_t row) {
  return last_not_after(row, experts, [&](int e) { return spans[e].first_row; });
}

enum class ExpertProduct {
  into_units,      // activations = rows weights^T + bias
  into_rows,       // rows (+)= activations weights + bias
  into_weights,    // gradient (+)= activations^T rows
  into_unit_bias,  // gradient (+)= the sum of activations over rows, each times its factor
  into_row_bias,   // gradient (+)= the sum of rows, each times its factor
};

// One product for each expert, of the named kind, for MultiplyMany; by one block.
struct PlanExpertProducts {
  static constexpr int kThreads = 128;

  const ExpertSpan* spans = nullptr;  // [experts]
  int experts = 0;
  std::int64_t hidden = 0;
  ExpertProduct kind = ExpertProduct::into_units;
  const float* activations = nullptr;  // read, in all kinds but the first
  const float* rows = nullptr;         // [rows, hidden], read
  const float* weights = nullptr;      // [units, hidden]; [rows] factors in the last two kinds
  const float* bias = nullptr;
  float* result = nullptr;
  bool accumulate = false;
  DeviceProduct* products = nullptr;   // [experts]
  std::int64_t* first_tile = nullptr;  // [experts + 1]

  template <class Thread>
  MOESIM_KERNEL_CODE void run(const Thread& thread) const {
    for (int e = thread.index(); e < experts; e += kThreads) {
      const DeviceProduct product = product_of(spans[e], e);
      products[e] = product;
      first_tile[e + 1] = tiles_of(product);
    }
    thread.sync();
    if (thread.index() > 0) return;
    first_tile[0] = 0;
    for (int e = 0; e < experts; ++e) first_tile[e + 1] += first_tile[e];
  }

 private:
  MOESIM_KERNEL_CODE DeviceProduct product_of(const ExpertSpan& span, int expert) const {
    DeviceProduct p;
    p.accumulate = accumulate;
    switch (kind) {
      case ExpertProduct::into_units:
        set(p, span.rows, span.units, hidden);
        set_a(p, rows + span.first_row * hidden, hidden, 1);
        set_b(p, weights + span.first_unit * hidden, 1, hidden);
        p.c = result + span.activations;
        p.bias = bias == nullptr ? nullptr : bias + span.first_unit;
        break;
      case ExpertProduct::into_rows:
        set(p, span.rows, hidden, span.units);
        set_a(p, activations + span.activations, span.units, 1);
        set_b(p, weights + span.first_unit * hidden, hidden, 1);
        p.c = result + span.first_row * hidden;
        p.bias = bias == nullptr ? nullptr : bias + expert * hidden;
        break;
      case ExpertProduct::into_weights:
        set(p, span.units, hidden, span.rows);
        set_a(p, activations + span.activations, 1, span.units);
        set_b(p, rows + span.first_row * hidden, hidden, 1);
        p.c = result + span.first_unit * hidden;
        break;
      case ExpertProduct::into_unit_bias:
        set(p, 1, span.units, span.rows);
        set_a(p, weights + span.first_row, span.rows, 1);
        set_b(p, activations + span.activations, span.units, 1);
        p.c = result + span.first_unit;
        break;
      case ExpertProduct::into_row_bias:
        set(p, 1, hidden, span.rows);
        set_a(p, weights + span.first_row, span.rows, 1);
        set_b(p, rows + span.first_row * hidden, hidden, 1);
        p.c = result + expert * hidden;
        break;
    }
    return p;
  }

  static MOESIM_KERNEL_CODE void set(DeviceProduct& p, std::int64_t m, std::int64_t n,
                                     std::int64_t k) {
    p.m = m;
    p.n = n;
    p.k = k;
    p.c_row = n;
  }
  static MOESIM_KERNEL_CODE void set_a(DeviceProduct& p, const float* data, std::int64_t row,
                                       std::int64_t column) {
    p.a = data;
    p.a_row = row;
    p.a_column = column;
  }
  static MOESIM_KERNEL_CODE void set_b(DeviceProduct& p, const float* data, std::int64_t row,
                                       std::int64_t column) {
    p.b = data;
    p.b_row = row;
    p.b_column = column;
  }
};

}  // namespace moesim::model::cuda
