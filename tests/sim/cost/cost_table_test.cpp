// SPDX-License-Identifier: Apache-2.0
#include "sim/cost/cost_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "tests/base/thrown_error.h"

namespace moesim::sim {
namespace {

KernelWork work_of(const std::vector<int>& rows, int intermediate) {
  KernelWork work;
  work.rows = sum_rows(rows);
  work.intermediate = intermediate;
  return work;
}

KernelTable table_with(const ShapeResiduals& shape) {
  KernelTable kernel;
  kernel.residuals = {shape};
  return kernel;
}

// At the measured point its weight is 1 beside the model's 1/2: 0.3 * 1 / 1.5 = 0.2. A shape 1,000
// times as large is too far to say anything.
TEST(ResidualFactor, FallsFromTheMeasuredShapeToOneFarAway) {
  const KernelTable kernel = table_with({2, 64, 32, {8}, {1}, {0.3}});
  EXPECT_NEAR(residual_factor(kernel, 64, work_of({8, 8}, 32)), std::exp(0.2), 1e-12);
  EXPECT_NEAR(residual_factor(kernel, 64000, work_of({8, 8}, 32)), 1, 1e-12);
  const double near = residual_factor(kernel, 80, work_of({8, 8}, 32));
  EXPECT_GT(near, 1);
  EXPECT_LT(near, std::exp(0.2));
}

// Twice as many rows per expert are ln 2 / 0.35 = 1.980 widths away: weight e^(-1.961) = 0.1407,
// so 0.3 * 0.1407 / 0.6407 = 0.0659.
TEST(ResidualFactor, IsInterpolatedInTheLogarithmOfTheRows) {
  const KernelTable kernel = table_with({2, 64, 32, {8}, {1}, {0.3}});
  EXPECT_NEAR(std::log(residual_factor(kernel, 64, work_of({16, 16}, 32))), 0.0659, 1e-4);
}

// 8 rows per expert again, but all on one: the fullest has 16 where the mean of those with rows is
// 16: skew 1. With 12 and 4: skew 1.5, ln 1.5 / 0.5 = 0.811 widths, weight 0.7198.
TEST(ResidualFactor, TellsSkewedRowsFromEvenOnes) {
  const KernelTable kernel = table_with({2, 64, 32, {8}, {1}, {0.3}});
  const double factor = std::log(residual_factor(kernel, 64, work_of({12, 4}, 32)));
  EXPECT_NEAR(factor, 0.3 * 0.7198 / 1.2198, 1e-4);
}

TEST(CostTable, EveryPresetReadsAndKeepsWhatIsPromised) {
  const std::vector<std::string> names = cost_table_names();
  ASSERT_EQ(names.size(), 3u);
  for (const std::string& name : names) {
    const auto table = find_cost_table(name, "");
    const KernelTable& layer = table->kernels.at(kMoeLayer);
    for (const ErrorFigures& figures :
         {layer.held_out, layer.held_out_balanced, layer.held_out_skewed}) {
      EXPECT_GT(figures.rows, 300) << name;
      EXPECT_LE(figures.median, 0.05) << name;
      EXPECT_LE(figures.p90, 0.15) << name;
    }
    EXPECT_FALSE(table->sources.at("rows").empty());
    EXPECT_GE(layer.residuals.size(), 12u);
  }
}

TEST(CostTable, WhatIsWrittenReadsBack) {
  const auto table = find_cost_table("h200_vllm", "");
  const auto file = std::filesystem::temp_directory_path() / "moesim_cost_table_test.json";
  std::ofstream(file) << cost_table_text(*table);
  const CostTable again = read_cost_table(file.string());
  std::filesystem::remove(file);
  EXPECT_EQ(again.kernels.at(kMoeLayer).model, table->kernels.at(kMoeLayer).model);
  EXPECT_EQ(cost_table_text(again), cost_table_text(*table));
}

TEST(CostTable, UnknownNamesAndFamiliesAreErrors) {
  try {
    find_cost_table("h200_vlm", "/cluster/node/accelerator/cost_table");
    FAIL() << "accepted";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), "/cluster/node/accelerator/cost_table");
    EXPECT_EQ(error.hint(), "did you mean \"h200_vllm\"?");
  }
  CostTable table;
  table.kernels["gem"].model.tiles = {{64, 64, {}, {}}};
  EXPECT_THROW(validate(table, ""), base::Error);
  CostTable empty;
  empty.kernels[kGemm];
  EXPECT_THROW(validate(empty, ""), base::Error);
  CostTable ragged;
  ragged.kernels[kPermute].residuals = {{1, 1, 0, {1, 2}, {1}, {0}}};
  EXPECT_THROW(validate(ragged, ""), base::Error);
  EXPECT_EQ(base::thrown_error([] { validate(CostTable(), ""); }).where(), "/kernels");
}

}  // namespace
}  // namespace moesim::sim
