// SPDX-License-Identifier: Apache-2.0
// The kernel's source on the processor, for every kind of tile. Sizes are off every multiple of the
// tiles on purpose: 72 hidden units are 1 1/8 stages of k, 203 units end within a run of 8; 330
// hidden and 2 x 203 units are more stages than a block has at a time.
#include "model/cuda/gemm/grouped_kernel.h"

#include <gtest/gtest.h>

#include "tests/model/cuda/gemm/host_memory.h"
#include "tests/support/expert_products.h"
#include "tests/support/host_operations.h"
#include "tests/support/host_warpgroups.h"

namespace moesim::model::cuda {
namespace {

using testing::ExpertProducts;
using testing::ExpertSizes;
using testing::Into;
using testing::Values;

// Runs a kernel's blocks one after another.
template <template <Form, int> class Tiles>
class HostRunner : public testing::HostMemory {
 public:
  using Element = typename Tiles<Form::into_rows, 1>::Element;

  template <Form form, class Epilogue>
  void run(const GroupedProblem<Element>& problem, const Epilogue& epilogue) {
    using Config = Tiles<form, Epilogue::kParts>;
    for (int block = 0; block < kBlocks; ++block) {
      HostOperations<Config> operations(problem.experts, block, kBlocks);
      run_grouped<Config>(operations, problem, epilogue);
    }
  }

 private:
  static constexpr int kBlocks = 3;
};

// The same with warpgroups, which wait for each other in threads of their own.
class WarpgroupRunner : public testing::HostMemory {
 public:
  using Element = Bf16;

  template <Form form, class Epilogue>
  void run(const GroupedProblem<Bf16>& problem, const Epilogue& epilogue) {
    for (int block = 0; block < kBlocks; ++block) {
      run_host_warpgroups<WarpgroupTile<form, Epilogue::kParts>>(problem, epilogue, block, kBlocks);
    }
  }

 private:
  static constexpr int kBlocks = 2;
};

template <class Runner>
class GroupedKernel : public ::testing::Test {
 protected:
  Runner runner_;
  ExpertProducts<Runner> ragged_{runner_, {testing::ragged_rows(), 72, 203, Values::integers}};
  ExpertProducts<Runner> one_for_all_{runner_, {{0, 0, 300, 0}, 136, 40, Values::integers}};
  ExpertProducts<Runner> none_{runner_, {{0, 0, 0}, 72, 40, Values::integers}};
  ExpertProducts<Runner> normal_{runner_, {{70, 0, 130}, 330, 72, Values::normal}};
};

using Runners = ::testing::Types<HostRunner<WarpTile>, HostRunner<ThreadTile>, WarpgroupRunner>;
TYPED_TEST_SUITE(GroupedKernel, Runners);

TYPED_TEST(GroupedKernel, SumsRowsIntoGatedUnits) {
  this->ragged_.template expect_forward<2>(Activation::relu, true);
  this->one_for_all_.template expect_forward<2>(Activation::relu, false);
  this->none_.template expect_forward<2>(Activation::relu, false);
  this->normal_.template expect_forward<2>(Activation::silu, false);
}

TYPED_TEST(GroupedKernel, SumsRowsIntoPlainUnits) {
  this->ragged_.template expect_forward<1>(Activation::relu, false);
  this->one_for_all_.template expect_forward<1>(Activation::relu, true);
  this->normal_.template expect_forward<1>(Activation::silu, true);
}

TYPED_TEST(GroupedKernel, TurnsGradientsOfActivationsIntoThoseOfUnits) {
  this->ragged_.expect_backward(Activation::relu, true);
  this->one_for_all_.expect_backward(Activation::relu, false);
  this->normal_.expect_backward(Activation::silu, true);
  this->normal_.expect_backward(Activation::silu, false);
}

TYPED_TEST(GroupedKernel, SumsUnitsIntoRows) {
  this->ragged_.expect_rows(1, true);
  this->ragged_.expect_rows(2, false);
  this->ragged_.expect_rows(1, false, Into::floats);
  this->ragged_.expect_rows(1, true, Into::floats_on_top);
  this->one_for_all_.expect_rows(1, false);
  this->none_.expect_rows(1, false);
  this->normal_.expect_rows(2, false);
}

// Those of experts without rows are written too: zero, or what was there.
TYPED_TEST(GroupedKernel, SumsRowsIntoGradientsOfAllExpertsWeights) {
  this->ragged_.expect_weights(Into::floats);
  this->ragged_.expect_weights(Into::elements);
  this->one_for_all_.expect_weights(Into::floats_on_top);
  this->none_.expect_weights(Into::floats);
  this->normal_.expect_weights(Into::floats);
}

}  // namespace
}  // namespace moesim::model::cuda
