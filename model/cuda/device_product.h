// SPDX-License-Identifier: Apache-2.0
// A matrix product on the device, and the same as a BLAS library is asked for it. C++17, read by
// nvcc and g++.
#pragma once

#include <cstdint>

#include "model/cuda/device_code.h"
#include "model/cuda/gemm/bf16.h"

namespace moesim::model::cuda {

// Who computes products, and in what.
enum class ProductMode {
  in_order,      // a kernel, with the processor's bits
  library_fp32,  // cuBLAS in fp32: sums in an order of its own
  library_tf32,  // cuBLAS on tensor cores: operands rounded to 10 bits of fraction
  bf16,          // mixed precision: operands rounded to bf16, sums in fp32; the gate's products are
                 // cuBLAS in fp32, the experts' the grouped ones (gemm/grouped_multiplier.h)
};

// As model::Product, with sums in fp32 whatever the operands are.
template <class Element>
struct ProductOf {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  const Element* a = nullptr;  // element (i, p) at a[i * a_row + p * a_column]
  std::int64_t a_row = 0;
  std::int64_t a_column = 1;
  const Element* b = nullptr;  // element (p, j) at b[p * b_row + j * b_column]
  std::int64_t b_row = 0;
  std::int64_t b_column = 1;
  float* c = nullptr;  // row-major
  std::int64_t c_row = 0;
  const float* bias = nullptr;  // [n], added to each row; not with `accumulate`
  bool accumulate = false;
};
using DeviceProduct = ProductOf<float>;
using RoundedProduct = ProductOf<Bf16>;

// The product column by column, as BLAS has matrices: c^T [n, m] = op(b) op(a) (+ c^T), where
// op(b) is [n, k] and op(a) [k, m]. Of an operand's matrix the columns are `stride` apart.
struct LibraryOperand {
  bool transposed = false;
  std::int64_t stride = 1;
};
struct LibraryProduct {
  LibraryOperand a;
  LibraryOperand b;
  bool is_possible = false;  // one of each operand's strides is 1, and no side is 0
};

// A row-major matrix is its transpose column by column, so that neither operand is transposed where
// its rows lie together.
template <class Element>
LibraryProduct library_product(const ProductOf<Element>& product) {
  LibraryProduct call;
  call.a.transposed = product.a_column != 1;
  call.a.stride = call.a.transposed ? product.a_column : product.a_row;
  call.b.transposed = product.b_column != 1;
  call.b.stride = call.b.transposed ? product.b_column : product.b_row;
  const bool a_is_dense = product.a_column == 1 || product.a_row == 1;
  const bool b_is_dense = product.b_column == 1 || product.b_row == 1;
  const std::int64_t least_a = call.a.transposed ? product.m : product.k;
  const std::int64_t least_b = call.b.transposed ? product.k : product.n;
  call.is_possible = product.m > 0 && product.n > 0 && product.k > 0 && a_is_dense && b_is_dense &&
                     call.a.stride >= least_a && call.b.stride >= least_b;
  return call;
}

}  // namespace moesim::model::cuda
