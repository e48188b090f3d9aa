// SPDX-License-Identifier: Apache-2.0
#include "model/cuda/trial_device.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/support/test_devices.h"

namespace moesim::model::cuda {
namespace {

using moesim::testing::on_each_device;

// How many numbers a shape's result has.
std::size_t result_elements(const TrialShape& shape, ProductMode mode) {
  const auto rows = static_cast<std::size_t>(shape.total_rows());
  const auto width = static_cast<std::size_t>(shape.width);
  if (shape.kernel == TrialKernel::attention) return rows * width;
  if (shape.kernel == TrialKernel::combine) return static_cast<std::size_t>(shape.tokens) * width;
  if (shape.kernel == TrialKernel::permute)
    return rows * width / (mode == ProductMode::bf16 ? 2 : 1);
  return rows * static_cast<std::size_t>(shape.columns);
}

// Numbers, nearly all of them other than 0: a device's memory begins as NaN where it is emulated.
void expect_computed(const std::vector<float>& result, std::size_t count) {
  ASSERT_EQ(result.size(), count);
  std::size_t zeros = 0;
  for (const float value : result) {
    ASSERT_TRUE(std::isfinite(value));
    zeros += value == 0 ? 1 : 0;
  }
  EXPECT_LT(zeros, count / 10);
}

// In every mode each kernel runs on rows of every kind: none, one, more than a tile. What kernels
// compute their own tests check; here that each run computes all of its result, wherever that lies
// (an emulated device's memory is the host's, so that the sanitizers' build sees what is read or
// written beyond it).
TEST(TrialDevice, EveryKernelRunsOnRaggedRows) {
  const std::vector<TrialShape> shapes = {
      {TrialKernel::gemm, {129}, 48, 80, 129, 1},
      {TrialKernel::grouped_gemm, {0, 1, 129, 64}, 48, 80, 97, 1},
      {TrialKernel::permute, {0, 5, 13}, 48, 0, 9, 1},
      {TrialKernel::combine, {0, 5, 13}, 48, 0, 9, 1},
      {TrialKernel::attention, {70}, 64, 32, 70, 2},
  };
  for (const ProductMode mode : {ProductMode::in_order, ProductMode::library_fp32,
                                 ProductMode::library_tf32, ProductMode::bf16}) {
    on_each_device([&](Device& device) {
      device.use_products(mode);
      const std::unique_ptr<TrialMachine> machine = make_trial_device(device);
      for (const TrialShape& shape : shapes) {
        ASSERT_TRUE(machine->fits(shape));
        const std::unique_ptr<KernelTrial> trial = machine->prepare(shape);
        EXPECT_FALSE(trial->has_part());
        for (int run = 0; run < 3; ++run) {
          trial->run();
          expect_computed(trial->result(), result_elements(shape, mode));
        }
        machine->wait();
      }
    });
  }
}

// Mixed precision: bf16 but for attention's scores. 44 columns are no whole number of 16 bytes.
TEST(TrialDevice, RoundsInMixedPrecision) {
  on_each_device([](Device& device) {
    device.use_products(ProductMode::bf16);
    const std::unique_ptr<TrialMachine> machine = make_trial_device(device);
    EXPECT_TRUE(machine->description().ends_with("backend cuda:bf16"));
    for (const TrialKernel kernel : {TrialKernel::gemm, TrialKernel::grouped_gemm,
                                     TrialKernel::permute, TrialKernel::combine}) {
      EXPECT_EQ(machine->element_bytes(kernel), 2);
    }
    EXPECT_EQ(machine->element_bytes(TrialKernel::attention), 4);
    EXPECT_FALSE(machine->fits({TrialKernel::grouped_gemm, {8, 8}, 48, 44, 16, 1}));
    EXPECT_TRUE(machine->fits({TrialKernel::gemm, {8}, 48, 44, 8, 1}));
  });
}

// Of mixed precision's results those of combine and of the experts' products are bf16, whose float
// has 16 bits of 0 at its end; those of single products are fp32. In fp32 all are.
TEST(TrialDevice, RoundsTheResultsThatTheTableCountsSo) {
  for (const ProductMode mode : {ProductMode::library_fp32, ProductMode::bf16}) {
    on_each_device([&](Device& device) {
      device.use_products(mode);
      const std::unique_ptr<TrialMachine> machine = make_trial_device(device);
      const auto is_rounded = [&](const TrialShape& shape) {
        const std::unique_ptr<KernelTrial> trial = machine->prepare(shape);
        trial->run();
        const std::vector<float> result = trial->result();
        return std::all_of(result.begin(), result.end(), [](float value) {
          return (std::bit_cast<std::uint32_t>(value) & 0xffffU) == 0;
        });
      };
      const bool rounds = mode == ProductMode::bf16;
      EXPECT_EQ(is_rounded({TrialKernel::combine, {6, 6}, 48, 0, 6, 1}), rounds);
      EXPECT_EQ(is_rounded({TrialKernel::grouped_gemm, {6, 6}, 48, 80, 6, 1}), rounds);
      EXPECT_FALSE(is_rounded({TrialKernel::gemm, {6}, 48, 80, 6, 1}));
    });
  }
}

TEST(TrialDevice, SaysWhatItIs) {
  on_each_device([](Device& device) {
    device.use_products(ProductMode::library_tf32);
    const std::unique_ptr<TrialMachine> machine = make_trial_device(device);
    const DeviceFacts facts = device.facts();
    EXPECT_EQ(machine->description(),
              device.name() + ", " + facts.versions + ", backend cuda:tf32");
    EXPECT_EQ(machine->name(), device.name());
    EXPECT_EQ(machine->workers(), facts.multiprocessors);
    EXPECT_EQ(machine->element_bytes(TrialKernel::gemm), 4);
    EXPECT_GT(machine->batch_seconds(), 0);
  });
}

// Operands or results of 2^20 rows of 2^14 floats are 64 GiB, more than the 8 GiB that are held at
// most; sequences are at most 3,072 tokens long.
TEST(TrialDevice, SaysWhatDoesNotFit) {
  on_each_device([](Device& device) {
    const std::unique_ptr<TrialMachine> machine = make_trial_device(device);
    EXPECT_FALSE(machine->fits({TrialKernel::gemm, {1 << 20}, 1 << 14, 16, 1 << 20, 1}));
    EXPECT_FALSE(machine->fits({TrialKernel::gemm, {1 << 20}, 16, 1 << 14, 1 << 20, 1}));
    EXPECT_FALSE(machine->fits({TrialKernel::permute, {1 << 20}, 1 << 14, 0, 1 << 20, 1}));
    EXPECT_TRUE(machine->fits({TrialKernel::attention, {3072}, 64, 3072, 3072, 2}));
    EXPECT_FALSE(machine->fits({TrialKernel::attention, {3073}, 64, 3073, 3073, 2}));
  });
}

}  // namespace
}  // namespace moesim::model::cuda
