// SPDX-License-Identifier: Apache-2.0
// On the machine's GPU.
#include "model/cuda/gemm/grouped_products.h"

#include <gtest/gtest.h>

#include "tests/model/cuda/gemm/device_runner.h"
#include "tests/support/expert_products.h"

namespace moesim::model::cuda {
namespace {

using testing::DeviceRunner;
using testing::ExpertProducts;
using testing::Into;
using testing::Values;

// A table of one rule, or what ships where it has none.
template <int kMethod>
struct ByTable {
  using Element = Bf16;
  template <Form form, class Epilogue>
  static void launch(const GroupedProblem<Bf16>& problem, const Epilogue& epilogue,
                     const LaunchPlace& place) {
    std::vector<std::int32_t> first_row(static_cast<std::size_t>(problem.experts) + 1);
    require(cudaMemcpy(first_row.data(), problem.first_row, first_row.size() * sizeof(first_row[0]),
                       cudaMemcpyDefault),
            "a copy down");
    MethodTable methods = shipped_method_table();
    if (kMethod >= 0) methods.rules = {{"", 0, 0, static_cast<ProductMethod>(kMethod)}};
    GroupedProducts products(methods, place.stream);
    products.run<form>(problem, epilogue, first_row);
    require(cudaDeviceSynchronize(), "the product");
  }
};

template <class Launcher>
class GroupedProductsTest : public ::testing::Test {};

using Tables = ::testing::Types<ByTable<-1>, ByTable<0>, ByTable<2>, ByTable<3>>;
TYPED_TEST_SUITE(GroupedProductsTest, Tables);

TYPED_TEST(GroupedProductsTest, AreTheSameWhateverTheTableChooses) {
  DeviceRunner<TypeParam> runner;
  ExpertProducts<DeviceRunner<TypeParam>> products(runner, {{70, 0, 65}, 64, 72, Values::integers});
  products.template expect_forward<2>(Activation::relu, false);
  products.expect_backward(Activation::relu, true);
  products.expect_rows(2, false);
  products.expect_weights(Into::floats);
}

}  // namespace
}  // namespace moesim::model::cuda
