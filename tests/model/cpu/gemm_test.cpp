// SPDX-License-Identifier: Apache-2.0
#include "model/cpu/gemm.h"

#include <gtest/gtest.h>

#include <deque>

#include "tests/model/cpu/product_cases.h"

namespace moesim::model {
namespace {

TEST(Gemm, HasKernelsForAnyProcessor) {
  EXPECT_TRUE(is_supported(GemmKernels::portable));
  EXPECT_TRUE(is_supported(best_gemm_kernels()));
  if (is_supported(GemmKernels::avx512)) {
    EXPECT_TRUE(is_supported(GemmKernels::avx2));
    EXPECT_EQ(best_gemm_kernels(), GemmKernels::avx512);
  }
}

// Many products at once, among them empty ones and one of many tiles: each as if it were alone.
template <class S>
void expect_shared_products(int threads) {
  base::ThreadPool pool(threads);
  base::Rng rng(2, "products");
  std::deque<WorkedProduct<S>> worked;
  worked.emplace_back(ProductCase{700, 300, 40, Layout::rows, Layout::columns, 1, true}, rng);
  worked.emplace_back(ProductCase{0, 300, 40}, rng);
  worked.emplace_back(ProductCase{200, 500, 40, Layout::columns}, rng);
  for (const ProductCase& shape : random_cases(40, rng)) worked.emplace_back(shape, rng);
  std::vector<Product<S>> products;
  for (const WorkedProduct<S>& one : worked) products.push_back(one.product);
  multiply_on<S>(pool, products);
  for (const WorkedProduct<S>& one : worked) one.expect_result();
}

TEST(Gemm, SharesProductsAmongThreads) {
  for (const int threads : {1, 2, 4}) {
    expect_shared_products<float>(threads);
    expect_shared_products<double>(threads);
  }
}

TEST(Gemm, TakesNoProductsAndEmptyOnes) {
  base::ThreadPool pool(2);
  multiply_on<float>(pool, {});
  multiply_on<float>(pool, std::vector<Product<float>>(3));
}

// An independent view of the whole: Eigen's product, whose order of summation is another.
TEST(Gemm, AgreesWithEigen) {
  base::ThreadPool pool(2);
  const Matrix<double> a = Matrix<double>::Random(300, 200);
  const Matrix<double> b = Matrix<double>::Random(150, 200);
  Matrix<double> c(300, 150);
  const Product<double> product{300, 150, 200, operand(a), transposed(b), c.data(), 150};
  multiply_on(pool, std::span(&product, 1));
  EXPECT_LT((c - a * b.transpose()).norm(), 1e-14 * c.norm());
}

}  // namespace
}  // namespace moesim::model
