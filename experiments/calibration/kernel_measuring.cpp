// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/kernel_measuring.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <tuple>

#include "base/check.h"
#include "experiments/calibration/routed_counts.h"

namespace moesim::experiments {
namespace {

using Work = std::function<void()>;

constexpr int kMostRunsOfBatch = 4096;

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

model::TrialShape shape_of(const LatencyRow& row) {
  model::TrialShape shape;
  shape.kernel = trial_kernel_of(row.kernel);
  shape.width = row.hidden;
  shape.columns = row.inter;
  shape.tokens = row.tokens;
  const bool single = row.kernel == sim::kGemm || row.kernel == sim::kAttention;
  shape.rows = single ? std::vector<int>{row.tokens}
                      : routed_counts(row.distribution, row.tokens, row.experts, row.topk, "");
  shape.heads = row.kernel == sim::kAttention ? row.experts : 1;
  return shape;
}

// Runs of one machine, some at a time.
class Stopwatch {
 public:
  Stopwatch(model::TrialMachine& machine, const MeasuringOptions& options)
      : machine_(machine), options_(options) {}

  // Of `runs`, and of the wait for them.
  double time_batch(const Work& work, int runs) const {
    const double begin = options_.clock();
    for (int i = 0; i < runs; ++i) work();
    machine_.wait();
    return options_.clock() - begin;
  }

  // How many runs make a batch long enough; warms up. None where one takes too long, twice, since
  // the first may bring its code with it.
  std::optional<int> runs_of_batch(const Work& work) const {
    double seconds = time_batch(work, 1);
    if (seconds > options_.most_run_seconds) seconds = time_batch(work, 1);
    if (seconds > options_.most_run_seconds) return std::nullopt;
    int runs = 1;
    while (seconds < machine_.batch_seconds() && runs < kMostRunsOfBatch) {
      runs *= 2;
      seconds = time_batch(work, runs);
    }
    return runs;
  }

  // Median seconds of a run.
  double time_run(const Work& work, int runs) const {
    std::vector<double> times;
    const double begin = options_.clock();
    while (static_cast<int>(times.size()) < options_.fewest_repetitions ||
           options_.clock() - begin < options_.least_seconds) {
      times.push_back(time_batch(work, runs) / runs);
    }
    return median_of(std::move(times));
  }

  // The mean of the second half of a long run.
  double time_sustained(const Work& work, int runs) const {
    const double half_seconds = options_.sustained_seconds / 2;
    const double begin = options_.clock();
    while (options_.clock() - begin < half_seconds) time_batch(work, runs);
    const double half = options_.clock();
    int batches = 0;
    do {
      time_batch(work, runs);
      ++batches;
    } while (options_.clock() - half < half_seconds);
    return (options_.clock() - half) / (double{1} * batches * runs);
  }

 private:
  model::TrialMachine& machine_;
  const MeasuringOptions& options_;
};

// Seconds of a run without the part that is another kernel's; nothing where it takes too long.
std::optional<double> time_trial(model::KernelTrial& trial, const Stopwatch& watch) {
  const Work run = [&] { trial.run(); };
  const std::optional<int> runs = watch.runs_of_batch(run);
  if (!runs) return std::nullopt;
  const double whole = watch.time_run(run, *runs);
  if (!trial.has_part()) return whole;
  const Work run_part = [&] { trial.run_part(); };
  const double part = watch.time_run(run_part, watch.runs_of_batch(run_part).value_or(1));
  // What noise leaves of it where the part is nearly all.
  return std::max(whole - part, 0.02 * whole);
}

using ShapeName = std::tuple<std::string, int, int, int, int, std::string>;
ShapeName shape_name(const LatencyRow& row) {
  return {row.kernel, row.experts, row.topk, row.hidden, row.inter, row.distribution};
}

// Goes through the rows in rounds, the best of which remains.
class RowTimes {
 public:
  RowTimes(model::TrialMachine& machine, const MeasuringOptions& options)
      : machine_(machine), options_(options), watch_(machine, options) {}

  // Those that are timed, in order.
  std::vector<LatencyRow> time(const std::vector<LatencyRow>& grid) {
    all_ = options_.rounds * static_cast<int>(grid.size());
    std::vector<LatencyRow> rows;
    std::optional<ShapeName> too_long;
    const double begin = options_.clock();
    for (LatencyRow row : grid) {
      if (too_long != shape_name(row)) {
        if (time_row(row)) {
          rows.push_back(row);
        } else {
          too_long = shape_name(row);
        }
      }
      show_progress(1);
    }
    const auto left_out = static_cast<int>(grid.size() - rows.size());
    next_best_us_.assign(rows.size(), std::numeric_limits<double>::infinity());
    for (int round = 1; round < options_.rounds; ++round) {
      if (options_.clock() - begin > options_.most_seconds) break;
      show_progress(left_out);
      for (std::size_t i = 0; i < rows.size(); ++i) time_again(rows[i], next_best_us_[i]);
    }
    return rows;
  }

  // Of the rows that time() returned, in the middle: what the next best round took beyond the best.
  std::optional<double> disagreement(const std::vector<LatencyRow>& rows) const {
    std::vector<double> excess;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (std::isfinite(next_best_us_[i])) {
        excess.push_back(next_best_us_[i] / rows[i].latency_us - 1);
      }
    }
    if (excess.empty()) return std::nullopt;
    return median_of(std::move(excess));
  }

 private:
  bool time_row(LatencyRow& row) const {
    const model::TrialShape shape = shape_of(row);
    if (!machine_.fits(shape)) return false;
    const std::optional<double> seconds = time_trial(*machine_.prepare(shape), watch_);
    if (seconds) row.latency_us = 1e6 * *seconds;
    return seconds.has_value();
  }
  // One more round of a row, whose best time remains.
  void time_again(LatencyRow& row, double& next_best_us) {
    const double best_us = row.latency_us;
    if (time_row(row)) {
      next_best_us = std::min(next_best_us, std::max(row.latency_us, best_us));
      row.latency_us = std::min(row.latency_us, best_us);
    } else {
      row.latency_us = best_us;
    }
    show_progress(1);
  }
  void show_progress(int rows) {
    done_ += rows;
    if (options_.progress && rows > 0) options_.progress(done_, all_);
  }

  model::TrialMachine& machine_;
  const MeasuringOptions& options_;
  Stopwatch watch_;
  std::vector<double> next_best_us_;  // by row; infinite where there was one round
  int done_ = 0;
  int all_ = 0;
};

void note_ceilings(const LatencyRow& row, double element_bytes, Measured& measured) {
  const sim::KernelWork work = work_of(row, {}, element_bytes);
  const double seconds = row.latency_us * 1e-6;
  double flops = work.fused_flops;
  // Fewer than the kernel asks for, whose other reads of a line a cache may answer.
  double bytes = work.moved_bytes;
  for (const sim::GemmShape& gemm : work.gemms) {
    flops += 2 * work.rows.total * gemm.n * gemm.k;
    bytes +=
        element_bytes * (work.rows.active * gemm.n * gemm.k + work.rows.total * (gemm.n + gemm.k));
  }
  measured.best_flops_per_s = std::max(measured.best_flops_per_s, flops / seconds);
  measured.best_bytes_per_s = std::max(measured.best_bytes_per_s, bytes / seconds);
}

double measure_slowdown(model::TrialMachine& machine, const LatencyRow& row,
                        const MeasuringOptions& options) {
  const Stopwatch watch(machine, options);
  const auto trial = machine.prepare(shape_of(row));
  const Work run = [&] { trial->run(); };
  const int runs = watch.runs_of_batch(run).value_or(1);
  const double burst = watch.time_run(run, runs);
  return std::max(1.0, watch.time_sustained(run, runs) / burst);
}

}  // namespace

model::TrialKernel trial_kernel_of(const std::string& family) {
  if (family == sim::kGemm) return model::TrialKernel::gemm;
  if (family == sim::kGroupedGemm) return model::TrialKernel::grouped_gemm;
  if (family == sim::kPermute) return model::TrialKernel::permute;
  if (family == sim::kCombine) return model::TrialKernel::combine;
  CHECK(family == sim::kAttention, "the grid has no other kernels");
  return model::TrialKernel::attention;
}

MeasuringOptions options_for(GridSize size) {
  MeasuringOptions options;
  if (size == GridSize::small) options.least_seconds = options.sustained_seconds = 0.002;
  if (size == GridSize::accelerator) {
    options.most_run_seconds = 0.05;
    options.most_seconds = 60;
  }
  return options;
}

Measured measure_kernels(model::TrialMachine& machine, const std::vector<LatencyRow>& rows,
                         const MeasuringOptions& options) {
  Measured measured;
  RowTimes times(machine, options);
  measured.rows = times.time(rows);
  measured.disagreement = times.disagreement(measured.rows);
  measured.left_out = static_cast<int>(rows.size() - measured.rows.size());
  std::map<std::string, const LatencyRow*> longest;
  for (const LatencyRow& row : measured.rows) {
    note_ceilings(row, machine.element_bytes(trial_kernel_of(row.kernel)), measured);
    const LatencyRow*& known = longest[row.kernel];
    if (known == nullptr || row.latency_us > known->latency_us) known = &row;
  }
  for (const auto& [family, row] : longest) {
    measured.sustained_slowdown[family] = measure_slowdown(machine, *row, options);
  }
  return measured;
}

}  // namespace moesim::experiments
