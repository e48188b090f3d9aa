// SPDX-License-Identifier: Apache-2.0
// Products of many shapes and layouts against their definition, bit for bit.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "model/cpu/gemm.h"

namespace moesim::model {

enum class Layout { rows, columns, scattered };
constexpr Layout kLayouts[] = {Layout::rows, Layout::columns, Layout::scattered};

// A [rows, cols] matrix of random numbers, `gap` places wider than needed; NaN lies between its
// rows or columns and after its end, so that a product that reads too far shows it.
template <class S>
struct StridedMatrix {
  std::vector<S> data;
  Operand<S> operand;

  StridedMatrix(Index rows, Index cols, Layout layout, Index gap, base::Rng& rng) {
    operand.row_stride = layout == Layout::columns ? 1 : cols + gap;
    operand.col_stride = layout == Layout::columns ? rows + gap : 1;
    if (layout == Layout::scattered) {
      operand.row_stride *= 3;
      operand.col_stride = 2;
    }
    const Index size = rows * operand.row_stride + cols * operand.col_stride + 1;
    data.assign(size, std::numeric_limits<S>::quiet_NaN());
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < cols; ++j) data[place(i, j)] = static_cast<S>(rng.uniform() - 0.5);
    }
    operand.data = data.data();
  }

  Index place(Index i, Index j) const { return i * operand.row_stride + j * operand.col_stride; }
};

struct ProductCase {
  Index m, n, k;
  Layout a = Layout::rows;
  Layout b = Layout::rows;
  Index gap = 0;
  bool bias = false;
  bool accumulate = false;
};

// A product, its operands and what it must become.
template <class S>
struct WorkedProduct {
  StridedMatrix<S> a, b, c, bias;
  std::vector<S> expected;  // of c.data
  Product<S> product;

  WorkedProduct(const ProductCase& shape, base::Rng& rng)
      : a(shape.m, shape.k, shape.a, shape.gap, rng),
        b(shape.k, shape.n, shape.b, shape.gap, rng),
        c(shape.m, shape.n, Layout::rows, shape.gap, rng),
        bias(1, shape.n, Layout::rows, 0, rng),
        expected(c.data) {
    product = {shape.m, shape.n, shape.k, a.operand, b.operand, c.data.data()};
    product.c_stride = c.operand.row_stride;
    product.bias = shape.bias ? bias.data.data() : nullptr;
    product.accumulate = shape.accumulate;
    for (Index i = 0; i < shape.m; ++i) {
      for (Index j = 0; j < shape.n; ++j) expected[c.place(i, j)] = element(shape, i, j);
    }
  }

  // The contract of model/cpu/gemm.h, read literally.
  S element(const ProductCase& shape, Index i, Index j) const {
    S sum = shape.accumulate ? c.data[c.place(i, j)] : shape.bias ? bias.data[j] : S(0);
    for (Index p = 0; p < shape.k; ++p) {
      sum = std::fma(a.data[a.place(i, p)], b.data[b.place(p, j)], sum);
    }
    return sum;
  }

  // Nothing else than the [m, n] numbers may have changed, either.
  void expect_result() const {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      if (std::isnan(expected[i]) && std::isnan(c.data[i])) continue;
      ASSERT_EQ(c.data[i], expected[i])
          << "element " << i << " of m " << product.m << ", n " << product.n << ", k " << product.k;
    }
  }
};

// Around the sizes of vectors, of blocks of rows, of steps of k and of tiles.
inline std::vector<ProductCase> edge_cases() {
  std::vector<ProductCase> cases;
  for (const Layout a : kLayouts) {
    for (const Layout b : kLayouts) {
      cases.push_back({3, 5, 0, a, b, 1, true, false});
      cases.push_back({0, 5, 3, a, b});
      cases.push_back({3, 0, 3, a, b});
      cases.push_back({1, 300, 20, a, b, 3});
      cases.push_back({2, 64, 257, a, b, 0, true});
      cases.push_back({140, 100, 30, a, b, 2, false, true});
      cases.push_back({15, 33, 600, a, b, 1, true});
      cases.push_back({530, 270, 3, a, b});
      cases.push_back({30, 1024, 9, a, b});
    }
  }
  return cases;
}

inline std::vector<ProductCase> random_cases(int count, base::Rng& rng) {
  std::vector<ProductCase> cases;
  const auto below = [&](Index bound) { return static_cast<Index>(rng.below(bound)); };
  for (int i = 0; i < count; ++i) {
    ProductCase shape{1 + below(40), 1 + below(70), below(40)};
    shape.a = kLayouts[below(3)];
    shape.b = kLayouts[below(3)];
    shape.gap = below(3);
    shape.accumulate = below(2) == 1;
    shape.bias = !shape.accumulate && below(2) == 1;
    cases.push_back(shape);
  }
  return cases;
}

template <class S>
void expect_products(GemmKernels kernels) {
  base::Rng rng(1, "products");
  std::vector<ProductCase> cases = edge_cases();
  for (const ProductCase& shape : random_cases(300, rng)) cases.push_back(shape);
  for (const ProductCase& shape : cases) {
    WorkedProduct<S> worked(shape, rng);
    multiply_serial(worked.product, kernels);
    worked.expect_result();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace moesim::model
