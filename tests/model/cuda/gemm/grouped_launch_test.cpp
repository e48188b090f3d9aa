// SPDX-License-Identifier: Apache-2.0
// The grouped products on the machine's GPU. Without one the program says so and ends with 77,
// which ctest reports as skipped; with MOESIM_REQUIRE_GPU=1 with 1.
#include "model/cuda/gemm/grouped_launch.h"

#include <gtest/gtest.h>

#include <memory>

#include "model/cuda/gemm/cublas_products.h"
#include "model/cuda/gemm/stage_boxes.h"
#include "tests/model/cuda/gemm/device_runner.h"
#include "tests/support/expert_products.h"

namespace moesim::model::cuda {
namespace {

using testing::DeviceRunner;
using testing::ExpertProducts;
using testing::Into;
using testing::Values;

template <class ElementOfProduct>
struct AnyProcessor {
  using Element = ElementOfProduct;
  static bool runs_here() { return true; }
  static void end() {}
  template <Form form, class Epilogue>
  static void launch(const GroupedProblem<Element>& problem, const Epilogue& epilogue,
                     const LaunchPlace& place) {
    launch_grouped<form>(problem, epilogue, place);
  }
};

struct Warpgroups {
  using Element = Bf16;
  static bool runs_here() {
    cudaDeviceProp properties{};
    require(cudaGetDeviceProperties(&properties, 0), "the device's properties");
    return properties.major == 9 && properties.minor == 0;
  }
  static void end() {}
  template <Form form, class Epilogue>
  static void launch(const GroupedProblem<Bf16>& problem, const Epilogue& epilogue,
                     const LaunchPlace& place) {
    ASSERT_TRUE(warpgroups_take(form, problem));
    launch_warpgroups<form>(problem, epilogue, place);
  }
};

template <class ElementOfProduct, CublasCall call, FloatProducts floats = FloatProducts::fp32>
class ByCublas {
 public:
  using Element = ElementOfProduct;
  static bool runs_here() { return true; }
  static void end() { products_.reset(); }  // while there is still a device to give it back to
  template <Form form, class Epilogue>
  static void launch(const GroupedProblem<Element>& problem, const Epilogue& epilogue,
                     const LaunchPlace& place) {
    std::vector<std::int32_t> first_row(static_cast<std::size_t>(problem.experts) + 1);
    require(cudaMemcpy(first_row.data(), problem.first_row, first_row.size() * sizeof(first_row[0]),
                       cudaMemcpyDefault),
            "a copy down");
    if (products_ == nullptr) products_ = std::make_unique<CublasProducts>(call, floats);
    products_->run<form>(problem, epilogue, first_row, place);
    require(cudaDeviceSynchronize(), "products by cuBLAS");
  }

 private:
  static inline std::unique_ptr<CublasProducts> products_;  // one for all products: slow to make
};

template <class Launcher>
class GroupedLaunch : public ::testing::Test {
 protected:
  static void TearDownTestSuite() { Launcher::end(); }
  void SetUp() override {
    if (!Launcher::runs_here()) GTEST_SKIP() << "made for compute capability 9.0";
  }

  // Forward and backward of an expert layer.
  void expect_all(const testing::ExpertSizes& sizes, Activation function) {
    DeviceRunner<Launcher> runner;
    ExpertProducts<DeviceRunner<Launcher>> products(runner, sizes);
    products.template expect_forward<2>(function, true);
    products.template expect_forward<1>(function, false);
    products.expect_backward(function, true);
    products.expect_backward(function, false);
    products.expect_rows(1, true);
    products.expect_rows(1, false);
    products.expect_rows(1, false, Into::floats);
    products.expect_rows(1, false, Into::floats_on_top);
    products.expect_rows(2, false);
    products.expect_weights(Into::floats);
    products.expect_weights(Into::floats_on_top);
    products.expect_weights(Into::elements);
  }
};

using Launchers =
    ::testing::Types<AnyProcessor<Bf16>, AnyProcessor<float>, Warpgroups,
                     ByCublas<Bf16, CublasCall::loop>, ByCublas<Bf16, CublasCall::grouped>,
                     ByCublas<float, CublasCall::loop>,
                     ByCublas<float, CublasCall::loop, FloatProducts::tf32>>;
TYPED_TEST_SUITE(GroupedLaunch, Launchers);

TYPED_TEST(GroupedLaunch, IsExactOnIntegersOfRaggedExperts) {
  this->expect_all({testing::ragged_rows(), 72, 203, Values::integers}, Activation::relu);
  this->expect_all({testing::ragged_rows(), 256, 128, Values::integers}, Activation::relu);
}

TYPED_TEST(GroupedLaunch, IsExactWhenOneExpertHasAllRowsOrNoneHasAny) {
  this->expect_all({{0, 0, 700, 0}, 136, 40, Values::integers}, Activation::relu);
  this->expect_all({{0, 0, 0}, 72, 40, Values::integers}, Activation::relu);
}

// More tiles than any device has blocks at a time, so that blocks take one after the other.
TYPED_TEST(GroupedLaunch, IsExactWhenBlocksTakeManyTiles) {
  this->expect_all({std::vector<int>(40, 130), 40, 136, Values::integers}, Activation::relu);
}

TYPED_TEST(GroupedLaunch, IsWithinBf16sRoundingOfDoubleOnNormalValues) {
  this->expect_all({{257, 0, 130, 33}, 384, 200, Values::normal}, Activation::silu);
}

}  // namespace
}  // namespace moesim::model::cuda
