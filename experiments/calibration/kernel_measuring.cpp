// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/kernel_measuring.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "base/check.h"
#include "experiments/build_info.h"
#include "experiments/calibration/routed_counts.h"

namespace moesim::experiments {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kFewestRepetitions = 5;
constexpr int kHeadSize = 32;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The median of repetitions that take `least_seconds` together, after one that warms up.
double time_median(const std::function<void()>& work, double least_seconds) {
  work();
  std::vector<double> times;
  const Clock::time_point begin = Clock::now();
  while (times.size() < kFewestRepetitions || seconds_since(begin) < least_seconds) {
    const Clock::time_point start = Clock::now();
    work();
    times.push_back(seconds_since(start));
  }
  return median_of(std::move(times));
}

// The mean of the second half of a long run.
double time_sustained(model::KernelTrial& trial, double seconds) {
  const Clock::time_point begin = Clock::now();
  while (seconds_since(begin) < seconds / 2) trial.run();
  const Clock::time_point half = Clock::now();
  int runs = 0;
  do {
    trial.run();
    ++runs;
  } while (seconds_since(half) < seconds / 2);
  return seconds_since(half) / runs;
}

model::TrialKernel kernel_of(const std::string& family) {
  if (family == sim::kGemm) return model::TrialKernel::gemm;
  if (family == sim::kGroupedGemm) return model::TrialKernel::grouped_gemm;
  if (family == sim::kPermute) return model::TrialKernel::permute;
  if (family == sim::kCombine) return model::TrialKernel::combine;
  CHECK(family == sim::kAttention, "the grid has no other kernels");
  return model::TrialKernel::attention;
}

model::TrialShape shape_of(const LatencyRow& row) {
  model::TrialShape shape;
  shape.kernel = kernel_of(row.kernel);
  shape.width = row.hidden;
  shape.columns = row.inter;
  shape.tokens = row.tokens;
  const bool single = row.kernel == sim::kGemm || row.kernel == sim::kAttention;
  shape.rows = single ? std::vector<int>{row.tokens}
                      : routed_counts(row.distribution, row.tokens, row.experts, row.topk, "");
  shape.heads = row.kernel == sim::kAttention ? row.experts : 1;
  return shape;
}

double time_row(model::KernelTrial& trial, const LatencyRow& row, double least_seconds) {
  const double whole = time_median([&] { trial.run(); }, least_seconds);
  if (row.kernel != sim::kAttention) return whole;
  const double part = time_median([&] { trial.run_part(); }, least_seconds);
  // What noise leaves of it where the projections are nearly all.
  return std::max(whole - part, 0.02 * whole);
}

LatencyRow grid_row(const char* kernel, int experts, int topk, int hidden, int inter) {
  LatencyRow row;
  row.engine = "moesim";
  row.version = build_version();
  row.kernel = kernel;
  row.experts = experts;
  row.topk = topk;
  row.hidden = hidden;
  row.inter = inter;
  return row;
}

void add_tokens(LatencyRow row, const std::vector<int>& tokens, std::vector<LatencyRow>& grid) {
  for (const int count : tokens) {
    row.tokens = count;
    grid.push_back(row);
  }
}

void add_routed(LatencyRow row, const std::vector<int>& tokens, std::vector<LatencyRow>& grid) {
  for (const char* distribution : {"balanced", "power_law_1.2"}) {
    row.distribution = distribution;
    add_tokens(row, tokens, grid);
  }
}

void note_ceilings(const LatencyRow& row, double element_bytes, Measured& measured) {
  const sim::KernelWork work = work_of(row, {}, element_bytes);
  const double seconds = row.latency_us * 1e-6;
  double flops = work.fused_flops;
  double bytes = work.moved_bytes;
  for (const sim::GemmShape& gemm : work.gemms) {
    flops += 2 * work.rows.total * gemm.n * gemm.k;
    bytes +=
        element_bytes * (work.rows.active * gemm.n * gemm.k + work.rows.total * (gemm.n + gemm.k));
  }
  measured.best_flops_per_s = std::max(measured.best_flops_per_s, flops / seconds);
  measured.best_bytes_per_s = std::max(measured.best_bytes_per_s, bytes / seconds);
}

}  // namespace

std::vector<LatencyRow> measuring_grid(bool small) {
  std::vector<LatencyRow> grid;
  const std::vector<int> rows =
      small ? std::vector<int>{1, 16, 64, 129}
            : std::vector<int>{1,   2,   4,   8,   16,  32,  48,  64,   96,
                               128, 129, 192, 256, 320, 512, 768, 1024, 2048};
  const std::vector<int> tokens =
      small ? std::vector<int>{16, 129} : std::vector<int>{1, 4, 16, 64, 129, 193, 256, 512, 1024};
  for (const auto& [n, k] : {std::pair(256, 128), std::pair(128, 256), std::pair(512, 512),
                             std::pair(1024, 256), std::pair(320, 192), std::pair(256, 1024)}) {
    if (small && n * k > 1 << 16) continue;
    add_tokens(grid_row(sim::kGemm, 1, 1, k, n), rows, grid);
  }
  for (const auto& [experts, topk, hidden, inter] :
       {std::tuple(8, 2, 128, 256), std::tuple(16, 2, 256, 128), std::tuple(32, 4, 256, 256),
        std::tuple(64, 8, 128, 64), std::tuple(16, 4, 192, 320)}) {
    if (small && experts > 16) continue;
    add_routed(grid_row(sim::kGroupedGemm, experts, topk, hidden, inter), tokens, grid);
  }
  for (const char* kernel : {sim::kPermute, sim::kCombine}) {
    for (const auto& [experts, topk, width] : {std::tuple(8, 2, 64), std::tuple(16, 2, 256),
                                               std::tuple(64, 8, 256), std::tuple(16, 4, 1024)}) {
      if (small && width > 256) continue;
      add_tokens(grid_row(kernel, experts, topk, width, 0), tokens, grid);
    }
  }
  for (const int heads : {2, 4}) {
    for (const int length : {128, 256, 512, 1024}) {
      if (small && length > 256) continue;
      add_tokens(grid_row(sim::kAttention, heads, 1, heads * kHeadSize, length),
                 {length, 2 * length, 4 * length}, grid);
    }
  }
  return grid;
}

Measured measure_kernels(const model::TrialMachine& machine, const MeasuringOptions& options) {
  Measured measured;
  measured.rows = measuring_grid(options.small);
  const int all = options.rounds * static_cast<int>(measured.rows.size());
  int done = 0;
  for (int round = 0; round < options.rounds; ++round) {
    for (LatencyRow& row : measured.rows) {
      const auto trial = machine.prepare(shape_of(row));
      const double latency_us = 1e6 * time_row(*trial, row, options.least_seconds);
      row.latency_us = round == 0 ? latency_us : std::min(row.latency_us, latency_us);
      if (options.progress) options.progress(++done, all);
    }
  }
  std::map<std::string, const LatencyRow*> longest;
  for (const LatencyRow& row : measured.rows) {
    note_ceilings(row, machine.element_bytes(), measured);
    const LatencyRow*& known = longest[row.kernel];
    if (known == nullptr || row.latency_us > known->latency_us) known = &row;
  }
  for (const auto& [family, row] : longest) {
    const auto trial = machine.prepare(shape_of(*row));
    const double burst = time_median([&] { trial->run(); }, options.least_seconds);
    measured.sustained_slowdown[family] =
        std::max(1.0, time_sustained(*trial, options.sustained_seconds) / burst);
  }
  return measured;
}

}  // namespace moesim::experiments
