// SPDX-License-Identifier: Apache-2.0
#include "model/cpu/trial_processor.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace moesim::model {
namespace {

// Each kernel runs on rows of every kind: none, one, more than a tile. What it computes is checked
// with the backend and the layers; here that the operands fit (the sanitizers' build sees reads and
// writes beyond them).
TEST(TrialProcessor, EveryKernelRunsOnRaggedRows) {
  const std::unique_ptr<TrialMachine> machine = make_trial_processor(2);
  const std::vector<TrialShape> shapes = {
      {TrialKernel::gemm, {129}, 48, 80, 129, 1},
      {TrialKernel::grouped_gemm, {0, 1, 129, 64}, 48, 80, 97, 1},
      {TrialKernel::permute, {0, 5, 13}, 48, 0, 9, 1},
      {TrialKernel::combine, {0, 5, 13}, 48, 0, 9, 1},
      {TrialKernel::attention, {70}, 64, 32, 70, 2},
  };
  for (const TrialShape& shape : shapes) {
    ASSERT_TRUE(machine->fits(shape));
    const std::unique_ptr<KernelTrial> trial = machine->prepare(shape);
    trial->run();
    if (trial->has_part()) trial->run_part();
    trial->run();
    machine->wait();
    EXPECT_EQ(trial->has_part(), shape.kernel == TrialKernel::attention);
  }
}

TEST(TrialProcessor, SaysWhatItIs) {
  const std::unique_ptr<TrialMachine> machine = make_trial_processor(2);
  EXPECT_NE(machine->description().find(" threads, backend cpu"), std::string::npos);
  EXPECT_GE(machine->workers(), 1);
  EXPECT_LE(machine->workers(), 2);
  EXPECT_EQ(machine->element_bytes(TrialKernel::gemm), 4);
  EXPECT_EQ(machine->batch_seconds(), 0);
}

}  // namespace
}  // namespace moesim::model
