// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/kernel_measuring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "experiments/calibration/machine_table.h"

namespace moesim::experiments {
namespace {

std::set<std::string> kernels_of(const std::vector<LatencyRow>& rows) {
  std::set<std::string> kernels;
  for (const LatencyRow& row : rows) kernels.insert(row.kernel);
  return kernels;
}

const std::set<std::string> kAll = {sim::kGemm, sim::kGroupedGemm, sim::kPermute, sim::kCombine,
                                    sim::kAttention};

// Each family has shapes enough to leave one out, and the grid has points off the tiles' sizes.
TEST(MeasuringGrid, HoldsEveryKernelInSeveralShapes) {
  for (const bool small : {false, true}) {
    const std::vector<LatencyRow> grid = measuring_grid(small);
    EXPECT_EQ(kernels_of(grid), kAll);
    for (const std::string& kernel : kAll) {
      std::set<std::tuple<int, int, int>> shapes;
      for (const LatencyRow& row : grid) {
        if (row.kernel == kernel) shapes.emplace(row.experts, row.hidden, row.inter);
      }
      EXPECT_GE(shapes.size(), 3u) << kernel;
    }
    EXPECT_TRUE(std::any_of(grid.begin(), grid.end(),
                            [](const LatencyRow& row) { return row.tokens == 129; }));
  }
}

// The whole way on this machine: rows, a table, its fit, and the table judged by the rows again.
TEST(MeasureKernels, GivesATableOfThisMachine) {
  const model::TrialMachine machine(1);
  MeasuringOptions options;
  options.small = true;
  options.rounds = 1;
  options.least_seconds = options.sustained_seconds = 1e-4;
  int calls = 0;
  options.progress = [&](int done, int all) {
    EXPECT_EQ(done, ++calls);
    EXPECT_EQ(all, static_cast<int>(measuring_grid(true).size()));
  };
  const Measured measured = measure_kernels(machine, options);
  EXPECT_EQ(calls, static_cast<int>(measured.rows.size()));
  for (const LatencyRow& row : measured.rows) EXPECT_GT(row.latency_us, 0);
  for (const std::string& kernel : kAll) EXPECT_GE(measured.sustained_slowdown.at(kernel), 1);
  const sim::CostTable like = table_of_machine(machine, measured);
  EXPECT_EQ(like.kernels.size(), kAll.size());
  Calibration made = calibrate(measured.rows, like, 1);
  add_sustained(measured, made.table);
  sim::validate(made.table, "");
  const Judgement judgement = judge(measured.rows, made.table);
  EXPECT_EQ(judgement.families.size(), kAll.size());
  EXPECT_TRUE(made.table.kernels.at(sim::kGemm).sustained_slowdown.has_value());
}

}  // namespace
}  // namespace moesim::experiments
