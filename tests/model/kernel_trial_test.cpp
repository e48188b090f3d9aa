// SPDX-License-Identifier: Apache-2.0
#include "model/kernel_trial.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace moesim::model {
namespace {

// Each kernel runs on rows of every kind: none, one, more than a tile. What it computes is checked
// with the backend and the layers; here that the operands fit (the sanitizers' build sees reads and
// writes beyond them).
TEST(KernelTrial, EveryKernelRunsOnRaggedRows) {
  const TrialMachine machine(2);
  const std::vector<TrialShape> shapes = {
      {TrialKernel::gemm, {129}, 48, 80, 129, 1},
      {TrialKernel::grouped_gemm, {0, 1, 129, 64}, 48, 80, 97, 1},
      {TrialKernel::permute, {0, 5, 13}, 48, 0, 9, 1},
      {TrialKernel::combine, {0, 5, 13}, 48, 0, 9, 1},
      {TrialKernel::attention, {70}, 64, 32, 70, 2},
  };
  for (const TrialShape& shape : shapes) {
    const std::unique_ptr<KernelTrial> trial = machine.prepare(shape);
    trial->run();
    trial->run_part();
    trial->run();
  }
}

TEST(KernelTrial, TheMachineSaysWhatItIs) {
  const TrialMachine machine(2);
  EXPECT_EQ(machine.backend(), "cpu");
  EXPECT_GE(machine.workers(), 1);
  EXPECT_LE(machine.workers(), 2);
}

}  // namespace
}  // namespace moesim::model
