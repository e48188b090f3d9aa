// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/machine_table.h"

#include <gtest/gtest.h>

#include "model/cpu/trial_processor.h"

namespace moesim::experiments {
namespace {

TEST(MachineTable, BeginsFromTheBestRates) {
  const auto machine = model::make_trial_processor(1);
  Measured measured;
  measured.best_flops_per_s = 123.456e9;
  measured.best_bytes_per_s = 9.87654e9;
  const sim::CostTable table = table_of_machine(*machine, measured);
  EXPECT_EQ(table.peak.value, 123e9);
  EXPECT_EQ(table.peak_bandwidth.value, 9.88e9);
  EXPECT_NE(table.machine.find("1 thread, backend cpu"), std::string::npos);
  EXPECT_EQ(table.device + ", 1 thread, backend cpu", table.machine);
  EXPECT_EQ(table.kernels.at(sim::kGemm).model.workers, 1);
  EXPECT_EQ(table.kernels.at(sim::kGemm).model.element_bytes, 4);
}

TEST(MachineTable, TakesTheSlowDownsOfLongRuns) {
  const auto machine = model::make_trial_processor(1);
  Measured measured;
  measured.best_flops_per_s = measured.best_bytes_per_s = 1e9;
  sim::CostTable table = table_of_machine(*machine, measured);
  measured.sustained_slowdown[sim::kGemm] = 1.23456;
  add_sustained(measured, table);
  EXPECT_EQ(table.kernels.at(sim::kGemm).sustained_slowdown, 1.23);
  EXPECT_FALSE(table.kernels.at(sim::kCombine).sustained_slowdown);
}

}  // namespace
}  // namespace moesim::experiments
