// SPDX-License-Identifier: Apache-2.0
#include "sim/cost/kernel_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"

namespace moesim::sim {
namespace {

// 10 workers; a tile's depth costs what its rate says; memory is free.
KernelModel example_model() {
  KernelModel model;
  model.workers = 10;
  model.moved = base::BytesPerSecond(1e30);
  model.exponent = 2;
  model.tiles = {{64, 128, base::FlopsPerSecond(1e12), base::BytesPerSecond(1e30)}};
  return model;
}

KernelWork example_work(const std::vector<int>& rows, double n, double k) {
  KernelWork work;
  work.rows = sum_rows(rows);
  work.tokens = work.rows.total;
  work.gemms = {{n, k}};
  return work;
}

// Rows 1, 64, 65 and 0: 1 + 1 + 2 tiles of 64, 1 + 8 + 9 of 8; three experts have rows, 130 in all.
TEST(SumRows, CountsWholeTilesOfEachExpert) {
  const GroupedRows sums = sum_rows(std::vector<int>{1, 64, 65, 0});
  EXPECT_EQ(sums.total, 130);
  EXPECT_EQ(sums.experts, 4);
  EXPECT_EQ(sums.active, 3);
  EXPECT_EQ(sums.largest, 65);
  EXPECT_EQ(sums.tiles[3], 4);
  EXPECT_EQ(sums.tiles[0], 18);
}

// 20 experts of 64 rows, n 128: 20 tiles on 10 workers are two waves of 2*64*128*1000 FLOP each at
// 1e12 / 10: 2 * 163.84 us.
TEST(KernelModel, TilesRunInWavesOnTheWorkers) {
  const KernelWork work = example_work(std::vector<int>(20, 64), 128, 1000);
  EXPECT_NEAR(time_work(example_model(), work).value, 327.68e-6, 1e-12);
}

// The same 1,280 rows, once 64 to each of 20 experts, once 1 + 19 x 67.3: the mean is the same, but
// one expert of 2 rows and nineteen of 67 or 68 (two tiles each) make 39 tiles, 3.9 waves.
TEST(KernelModel, CountsPerExpertDecideAndNotTheirMean) {
  std::vector<int> uneven(20, 67);
  uneven[0] = 2;
  for (int i = 1; i <= 5; ++i) ++uneven[static_cast<std::size_t>(i)];
  ASSERT_EQ(sum_rows(uneven).total, 1280);
  const double even =
      time_work(example_model(), example_work(std::vector<int>(20, 64), 128, 1000)).value;
  EXPECT_NEAR(time_work(example_model(), example_work(uneven, 128, 1000)).value, even * 39 / 20,
              1e-12);
}

// 11 tiles on 10 workers: 1.1 waves where they overlap freely, 2 where only whole ones count, 1.55
// half way. Fewer tiles than workers never take less than one.
TEST(KernelModel, WavesCountWholeOrInPart) {
  const double wave = 163.84e-6;
  KernelModel model = example_model();
  const KernelWork eleven = example_work(std::vector<int>(11, 64), 128, 1000);
  EXPECT_NEAR(time_work(model, eleven).value, 1.1 * wave, 1e-12);
  model.whole_waves = 1;
  EXPECT_NEAR(time_work(model, eleven).value, 2 * wave, 1e-12);
  model.whole_waves = 0.5;
  EXPECT_NEAR(time_work(model, eleven).value, 1.55 * wave, 1e-12);
  const KernelWork one = example_work({64}, 128, 1000);
  EXPECT_NEAR(time_work(model, one).value, wave, 1e-12);
}

// One tile of 16 of 64 rows, fill 1/4; with fill_dependence 0.8 its depth of 1,000 counts as
// 1000 (0.2 + 0.8 / 4) = 400, and the overhead of 100 comes on top: 500 of 1,000.
TEST(KernelModel, MissingRowsAndOverheadChangeATilesDepth) {
  KernelModel model = example_model();
  model.fill_dependence = 0.8;
  model.depth_overhead = 100;
  EXPECT_NEAR(time_work(model, example_work({16}, 128, 1000)).value, 0.5 * 163.84e-6, 1e-12);
}

// Weights of two experts with rows, 2 * 128 * 1000 * 2 bytes = 512 kB at 1 GB/s: 512 us beside one
// wave of 163.84 us. sqrt(512^2 + 163.84^2) = 537.575. The rest adds: 3 us of the family, 1 us for
// 128 rows of 7.8125 ns, 2 us of the GEMM, 2 x 0.25 us for its two experts, 64 kB moved at 1 GB/s:
// 64 us.
TEST(KernelModel, MemoryAndMathJoinAndTheRestAdds) {
  KernelModel model = example_model();
  model.tiles[0].bandwidth = base::BytesPerSecond(1e9);
  model.moved = base::BytesPerSecond(1e9);
  model.fixed = base::Seconds(3e-6);
  model.per_row = base::Seconds(7.8125e-9);
  model.gemm_fixed = base::Seconds(2e-6);
  model.per_expert = base::Seconds(0.25e-6);
  KernelWork work = example_work({64, 64, 0}, 128, 1000);
  work.moved_bytes = 64e3;
  const double joined = std::hypot(512e-6, 163.84e-6);
  EXPECT_NEAR(time_work(model, work).value, joined + 70.5e-6, 1e-11);
}

// Half a pass over 64 rows of 128 + 1000 elements of 2 bytes at 1 GB/s: 72.192 us. A tenth of the
// 128 columns' 256 kB at a tenth of the bandwidth: 256 us.
TEST(KernelModel, RowsAndTheFirstOperandsAreRead) {
  KernelModel model = example_model();
  model.tiles[0].bandwidth = base::BytesPerSecond(1e9);
  model.tiles[0].rate = base::FlopsPerSecond(1e30);
  const KernelWork work = example_work({64}, 128, 1000);
  const double plain = time_work(model, work).value;
  model.activation_passes = 0.5;
  EXPECT_NEAR(time_work(model, work).value - plain, 72.192e-6, 1e-11);
  model.activation_passes = 0;
  model.stage_fill = 0.1;
  EXPECT_NEAR(time_work(model, work).value - plain, 256e-6, 1e-11);
}

TEST(KernelModel, WithoutRowsThereIsNoTime) {
  KernelModel model = example_model();
  model.fixed = base::Seconds(1);
  EXPECT_EQ(time_work(model, example_work({0, 0}, 128, 1000)).value, 0);
}

// Two tiles: the small one is faster for 16 rows, the large one (four times the rate) for 128.
TEST(KernelModel, WithoutRulesTheFastestTileIsTaken) {
  KernelModel model = example_model();
  const Tile small = {16, 128, base::FlopsPerSecond(1e12), base::BytesPerSecond(1e30)};
  const Tile large = {128, 128, base::FlopsPerSecond(4e12), base::BytesPerSecond(1e30)};
  for (const int rows : {16, 1280}) {
    const KernelWork work = example_work({rows}, 128, 1000);
    model.tiles = {small};
    const double by_small = time_work(model, work).value;
    model.tiles = {large};
    const double by_large = time_work(model, work).value;
    EXPECT_EQ(by_small < by_large, rows == 16);
    model.tiles = {small, large};
    EXPECT_EQ(time_work(model, work).value, std::min(by_small, by_large));
  }
}

// Up to 32 tokens the first tile, beyond the second; experts of width 7 have a rule of their own.
TEST(KernelModel, RulesChooseTheTile) {
  KernelModel model = example_model();
  model.tiles.push_back({128, 128, base::FlopsPerSecond(1e15), base::BytesPerSecond(1e30)});
  model.rules = {{std::nullopt, 7, TileMeasure::tokens, {{std::nullopt, 128, 128}}},
                 {std::nullopt,
                  std::nullopt,
                  TileMeasure::tokens,
                  {{32.0, 64, 128}, {std::nullopt, 128, 128}}}};
  const double slow = 163.84e-6;
  KernelWork work = example_work({32}, 128, 1000);
  EXPECT_NEAR(time_work(model, work).value, slow, 1e-9);
  work.tokens = 33;
  EXPECT_LT(time_work(model, work).value, slow / 100);
  work.tokens = 32;
  work.intermediate = 7;
  EXPECT_LT(time_work(model, work).value, slow / 100);
}

// dB of two experts with 100 and 300 rows and one without, [k 64, n 128]: one tile each of the two,
// mean depth 200: one wave of 2*64*128*200 FLOP at 1e11: 32.768 us.
TEST(WeightGradient, WalksTheRowsOfEachExpert) {
  const std::vector<int> rows{100, 300, 0};
  EXPECT_NEAR(time_weight_gradient(example_model(), rows, {128, 64}).value, 32.768e-6, 1e-12);
}

// Without rows the zeros of two experts are still written: 2 * 128 * 64 * 2 bytes at 1 GB/s.
TEST(WeightGradient, OfExpertsWithoutRowsIsWritten) {
  KernelModel model = example_model();
  model.tiles[0].bandwidth = base::BytesPerSecond(1e9);
  const std::vector<int> rows{0, 0};
  EXPECT_NEAR(time_weight_gradient(model, rows, {128, 64}).value, 32.768e-6, 1e-12);
}

TEST(KernelModel, BadTilesAreNamed) {
  KernelModel model = example_model();
  model.tiles[0].rows = 48;
  try {
    validate(model, "/kernels/gemm");
    FAIL() << "accepted";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.where(), "/kernels/gemm/tiles/0/rows");
    EXPECT_EQ(error.hint(), "use 8, 16, 32, 64, 128 or 256");
  }
  model = example_model();
  model.rules = {{std::nullopt, std::nullopt, TileMeasure::tokens, {{std::nullopt, 64, 64}}}};
  EXPECT_THROW(validate(model, ""), base::Error);
}

}  // namespace
}  // namespace moesim::sim
