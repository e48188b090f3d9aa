// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/kernel_measuring.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "experiments/calibration/machine_table.h"
#include "experiments/runs/point_files.h"
#include "model/cpu/trial_processor.h"
#include "model/cuda/trial_device.h"
#include "sim/cost/table_cost.h"
#include "tests/support/emulated_device.h"

namespace moesim::experiments {
namespace {

const std::vector<std::string> kAll = {sim::kGemm, sim::kGroupedGemm, sim::kPermute, sim::kCombine,
                                       sim::kAttention};

// Rows, a table, its fit, and the table judged by the rows again.
sim::CostTable check_whole_way(model::TrialMachine& machine, const std::vector<LatencyRow>& grid,
                               MeasuringOptions options) {
  options.rounds = 1;
  options.least_seconds = options.sustained_seconds = 1e-4;
  int calls = 0;
  options.progress = [&](int done, int all) {
    EXPECT_EQ(done, ++calls);
    EXPECT_EQ(all, static_cast<int>(grid.size()));
  };
  const Measured measured = measure_kernels(machine, grid, options);
  EXPECT_EQ(calls, static_cast<int>(measured.rows.size()));
  EXPECT_EQ(measured.left_out, 0);
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
  return made.table;
}

TEST(MeasureKernels, GivesATableOfThisMachine) {
  const auto machine = model::make_trial_processor(1);
  check_whole_way(*machine, measuring_grid(GridSize::small), {});
}

LatencyRow tiny_row(const char* kernel, int experts, int topk, int width, int inter) {
  LatencyRow row;
  row.engine = "moesim";
  row.version = "test";
  row.kernel = kernel;
  row.experts = experts;
  row.topk = topk;
  row.hidden = width;
  row.inter = inter;
  row.tokens = 4;
  return row;
}

// Two shapes of each kernel at two numbers of tokens, for threads that a processor emulates.
std::vector<LatencyRow> tiny_grid() {
  std::vector<LatencyRow> grid;
  for (const int width : {8, 16}) {
    for (const LatencyRow& row :
         {tiny_row(sim::kGemm, 1, 1, width, 24), tiny_row(sim::kGroupedGemm, 2, 1, width, 24),
          tiny_row(sim::kPermute, 2, 2, width, 0), tiny_row(sim::kCombine, 2, 2, width, 0),
          tiny_row(sim::kAttention, 2, 1, width, 4)}) {
      for (const int tokens : {4, 8}) {
        grid.push_back(row);
        grid.back().tokens = tokens;
      }
    }
  }
  return grid;
}

// The whole way on a device, in each mode, up to a file that a step's costs are read from.
TEST(MeasureKernels, GivesATableOfADevice) {
  for (const auto mode : {model::cuda::ProductMode::in_order,
                          model::cuda::ProductMode::library_tf32, model::cuda::ProductMode::bf16}) {
    testing::EmulatedDevice device;
    device.use_products(mode);
    const auto machine = model::cuda::make_trial_device(device);
    MeasuringOptions options;
    options.fewest_repetitions = 1;
    sim::CostTable table = check_whole_way(*machine, tiny_grid(), options);
    EXPECT_TRUE(table.machine.starts_with("emulated, no versions, backend cuda")) << table.machine;
    EXPECT_EQ(table.kernels.at(sim::kGroupedGemm).model.workers, 2);
    EXPECT_EQ(table.kernels.at(sim::kGroupedGemm).model.element_bytes,
              mode == model::cuda::ProductMode::bf16 ? 2 : 4);
    const auto file = std::filesystem::temp_directory_path() /
                      ("device_table_" + std::to_string(::getpid()) + ".json");
    write_file(file, sim::cost_table_text(table));
    const auto read = std::make_shared<sim::CostTable>(sim::read_cost_table(file.string()));
    std::filesystem::remove(file);
    EXPECT_EQ(read->machine, table.machine);
    const sim::TableCost cost(read, sim::Clocks::sustained, 0);
    const std::vector<int> rows = {4, 4};
    const auto experts = cost.experts(rows, {8, 24, true, 1});
    ASSERT_TRUE(experts.has_value());
    EXPECT_GT(experts->forward.value, 0);
  }
}

// A machine whose runs take as long as they have tokens, in milliseconds, and are queued: a wait
// takes 2 ms itself. It has a clock of its own, on which nothing else takes time.
class SleepingMachine final : public model::TrialMachine {
 public:
  std::string name() const override { return "sleeping"; }
  std::string description() const override { return name(); }
  int workers() const override { return 1; }
  double element_bytes(model::TrialKernel) const override { return 2; }
  bool fits(const model::TrialShape& shape) const override { return shape.width < 1000; }
  std::unique_ptr<model::KernelTrial> prepare(const model::TrialShape& shape) override {
    const int extra = trials < extra_ms.size() ? extra_ms[trials] : 0;
    ++trials;
    return std::make_unique<Sleep>(*this, shape.tokens + extra);
  }
  void wait() override {
    now_ms += queued_ms_ + 2;
    ++waits;
    queued_ms_ = 0;
  }
  double batch_seconds() const override { return 0.03; }

  std::int64_t now_ms = 0;
  int waits = 0;
  int runs = 0;
  std::size_t trials = 0;
  std::vector<int> extra_ms;  // of a run, by trial: what other work takes

 private:
  struct Sleep final : model::KernelTrial {
    Sleep(SleepingMachine& on, int tokens) : machine(on), milliseconds(tokens) {}
    void run() override {
      machine.queued_ms_ += milliseconds;
      ++machine.runs;
    }
    SleepingMachine& machine;
    int milliseconds;
  };

  int queued_ms_ = 0;
};

MeasuringOptions two_repetitions(const SleepingMachine& machine) {
  MeasuringOptions options;
  options.clock = [&machine] { return 1e-3 * static_cast<double>(machine.now_ms); };
  options.rounds = 1;
  options.fewest_repetitions = 2;
  options.least_seconds = options.sustained_seconds = 1e-4;
  return options;
}

// A run of 4 ms: batches of 1, 2, 4 and 8 runs take 6, 10, 18 and 34 ms, the first above 30; then
// two batches of 8 are timed, in which a wait of 2 ms is a quarter millisecond of each run. So does
// the slow-down, 15 runs in 4 waits and 16 in 2, and one more batch for either half of a long run.
TEST(MeasureKernels, WaitsOnceForManyRuns) {
  SleepingMachine machine;
  const Measured measured =
      measure_kernels(machine, {tiny_row(sim::kGemm, 1, 1, 8, 8)}, two_repetitions(machine));
  EXPECT_NEAR(measured.rows.at(0).latency_us, 4250, 1e-6);
  EXPECT_NEAR(measured.sustained_slowdown.at(sim::kGemm), 1, 1e-12);
  EXPECT_EQ(machine.runs, 15 + 16 + 15 + 16 + 8 + 8);
  EXPECT_EQ(machine.waits, 4 + 2 + 4 + 2 + 1 + 1);
}

// 16 tokens of 64 elements of 2 bytes, each to 8 experts: 16 rows are read and 128 written in 17 ms
// (a batch of 2 runs takes 34 ms with its wait). The other seven reads of a row may be a cache's.
TEST(MeasureKernels, CountsWhatMemoryMovesOnce) {
  SleepingMachine machine;
  LatencyRow row = tiny_row(sim::kPermute, 8, 8, 64, 0);
  row.tokens = 16;
  const Measured measured = measure_kernels(machine, {row}, two_repetitions(machine));
  EXPECT_NEAR(measured.best_bytes_per_s, 2.0 * (16 + 128) * 64 / 17e-3, 1e-3);
}

// Of 4, 100 and 4 ms with a bound of 60: the second takes too long, which a second try confirms,
// and the third of its shape is not tried; of another shape, the last, it is. 1,000 wide does not
// fit.
TEST(MeasureKernels, LeavesOutWhatTakesTooLongOrDoesNotFit) {
  SleepingMachine machine;
  std::vector<LatencyRow> grid(3, tiny_row(sim::kGemm, 1, 1, 8, 8));
  grid[1].tokens = 100;
  grid.push_back(tiny_row(sim::kGemm, 1, 1, 8, 16));
  grid.push_back(tiny_row(sim::kGemm, 1, 1, 1000, 16));
  MeasuringOptions options = two_repetitions(machine);
  options.most_run_seconds = 0.06;
  const Measured measured = measure_kernels(machine, grid, options);
  ASSERT_EQ(measured.rows.size(), 2u);
  EXPECT_EQ(measured.left_out, 3);
  EXPECT_EQ(measured.rows[0].tokens, 4);
  EXPECT_EQ(measured.rows[1].inter, 16);
}

// Three rounds, or one where the time is out.
TEST(MeasureKernels, BeginsNoRoundPastItsTime) {
  for (const bool in_time : {true, false}) {
    SleepingMachine machine;
    MeasuringOptions options = two_repetitions(machine);
    options.rounds = 3;
    if (!in_time) options.most_seconds = 0;
    int done = 0;
    options.progress = [&](int now, int) { done = now; };
    measure_kernels(machine, {tiny_row(sim::kGemm, 1, 1, 8, 8)}, options);
    EXPECT_EQ(done, in_time ? 3 : 1);
  }
}

// A row of 40 ms and a wait of 2 that other work holds up by 20, 0 and 10 ms: 62, 42, 52. One round
// says nothing of others.
TEST(MeasureKernels, SaysHowFarRoundsDisagree) {
  LatencyRow row = tiny_row(sim::kGemm, 1, 1, 8, 8);
  row.tokens = 40;
  SleepingMachine machine;
  machine.extra_ms = {20, 0, 10};
  MeasuringOptions options = two_repetitions(machine);
  EXPECT_FALSE(measure_kernels(machine, {row}, options).disagreement.has_value());
  machine.trials = 0;
  options.rounds = 3;
  const Measured measured = measure_kernels(machine, {row}, options);
  EXPECT_NEAR(measured.rows.at(0).latency_us, 42000, 1e-6);
  EXPECT_NEAR(measured.disagreement.value(), 52.0 / 42 - 1, 1e-12);
}

// Every row nearly as slow as rows may be, 47 ms and the wait's 2: the grid takes three minutes at
// most. (The machine has no rows of 1,000 and more.)
TEST(MeasuringOptions, BoundAnAcceleratorsTime) {
  SleepingMachine machine;
  std::vector<LatencyRow> grid = measuring_grid(GridSize::accelerator);
  for (LatencyRow& row : grid) {
    row.hidden = 8;
    row.tokens = 47;
  }
  MeasuringOptions options = options_for(GridSize::accelerator);
  options.clock = [&machine] { return 1e-3 * static_cast<double>(machine.now_ms); };
  EXPECT_EQ(measure_kernels(machine, grid, options).left_out, 0);
  EXPECT_LE(machine.now_ms, 180'000);
}

TEST(MeasuringOptions, OfASmallGridAreShort) {
  EXPECT_LT(options_for(GridSize::small).least_seconds,
            options_for(GridSize::processor).least_seconds);
}

}  // namespace
}  // namespace moesim::experiments
