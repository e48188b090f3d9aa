// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/kernel_fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace moesim::experiments {
namespace {

constexpr Ceilings kCeilings = {1000e12, 5e12};

sim::KernelModel true_model() {
  sim::KernelModel model;
  model.workers = 132;
  model.fixed = base::Seconds(12e-6);
  model.per_row = base::Seconds(1e-10);
  model.moved = base::BytesPerSecond(3e12);
  model.gemm_fixed = base::Seconds(3e-6);
  model.stage_fill = 0.2;
  model.activation_passes = 0.6;
  model.exponent = 2.5;
  model.whole_waves = 0.4;
  model.depth_overhead = 150;
  model.fill_dependence = 0.2;
  model.tiles = {{64, 128, base::FlopsPerSecond(400e12), base::BytesPerSecond(4.5e12)},
                 {128, 128, base::FlopsPerSecond(650e12), base::BytesPerSecond(4.2e12)}};
  return model;
}

// Times that the true model makes for shapes of all sizes.
std::vector<FitRow> made_rows() {
  std::vector<FitRow> rows;
  for (const auto& [experts, hidden, inter] :
       {std::tuple(8, 4096, 14336), std::tuple(64, 2048, 1408), std::tuple(128, 2048, 768),
        std::tuple(256, 7168, 2048), std::tuple(32, 3072, 1024)}) {
    for (const char* distribution : {"balanced", "power_law_1.2"}) {
      for (int tokens = 1; tokens <= 16384; tokens *= 4) {
        const LatencyRow row = {"",    "",           "layer", experts, 4, hidden,
                                inter, distribution, tokens,  1,       ""};
        rows.push_back(fit_row_of(row, {}, 2));
        rows.back().seconds = sim::time_work(true_model(), rows.back().work).value;
      }
    }
  }
  return rows;
}

// Noiseless times are explained to a fraction of a percent, also on shapes that the fit did not
// see.
TEST(KernelFit, FindsAModelThatExplainsItsOwnTimes) {
  const std::vector<FitRow> rows = made_rows();
  const sim::KernelTable kernel = fit_kernel(rows, true_model(), kCeilings);
  EXPECT_EQ(kernel.fitted.rows, static_cast<int>(rows.size()));
  EXPECT_LT(kernel.fitted.p90, 0.01);
  EXPECT_EQ(kernel.residuals.size(), 5u);
  const sim::ErrorFigures held_out =
      error_figures(held_out_errors(rows, true_model(), kCeilings, 2));
  EXPECT_LT(held_out.median, 0.01);
  EXPECT_LT(held_out.p90, 0.04);
}

// One row in ten is three times too slow: the others keep their errors.
TEST(KernelFit, IsNotPulledByStrays) {
  std::vector<FitRow> rows = made_rows();
  for (std::size_t i = 0; i < rows.size(); i += 10) rows[i].seconds *= 3;
  const sim::KernelModel model = fit_model(rows, true_model(), kCeilings);
  std::vector<double> errors;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % 10 == 0) continue;
    errors.push_back(std::abs(sim::time_work(model, rows[i].work).value / rows[i].seconds - 1));
  }
  EXPECT_LT(error_figures(errors).median, 0.02);
}

// Nothing is faster than the ceilings allow, whatever the rows say.
TEST(KernelFit, KeepsBelowTheCeilings) {
  std::vector<FitRow> rows = made_rows();
  for (FitRow& row : rows) row.seconds /= 10;
  const sim::KernelModel model = fit_model(rows, true_model(), kCeilings);
  for (const sim::Tile& tile : model.tiles) {
    EXPECT_LE(tile.rate.value, 1.1001 * kCeilings.flops_per_s);
    EXPECT_LE(tile.bandwidth.value, 1.0001 * kCeilings.bytes_per_s);
  }
}

// Of 1 ... 10: the fifth and the ninth.
TEST(ErrorFigures, AreTheSmallestThatCoverTheirShare) {
  const sim::ErrorFigures figures = error_figures({10, 9, 8, 7, 6, 5, 4, 3, 2, 1});
  EXPECT_EQ(figures.rows, 10);
  EXPECT_EQ(figures.median, 5);
  EXPECT_EQ(figures.p90, 9);
  EXPECT_EQ(figures.worst, 10);
  EXPECT_EQ(error_figures({}).rows, 0);
}

TEST(HeldOutErrors, NeedTwoShapes) {
  std::vector<FitRow> rows = made_rows();
  rows.resize(4);
  EXPECT_TRUE(held_out_errors(rows, true_model(), kCeilings, 1).empty());
}

// A copy has what it costs to begin, a row's share and a rate; a product of two kinds of tiles has
// the first two, seven numbers of its own, an exponent, and a rate and a bandwidth of each tile.
TEST(CountFittedNumbers, GoesByWhatTheRowsDo) {
  FitRow row;
  row.seconds = 1;
  row.work.rows = sim::sum_rows(std::vector<int>{4});
  row.work.moved_bytes = 64;
  EXPECT_EQ(count_fitted_numbers({row}, {}), 3);
  row.work.moved_bytes = 0;
  row.work.gemms = {{8, 8}};
  sim::KernelModel like;
  like.tiles = {{16, 16, {}, {}}, {32, 16, {}, {}}};
  EXPECT_EQ(count_fitted_numbers({row}, like), 14);
}

}  // namespace
}  // namespace moesim::experiments
