// SPDX-License-Identifier: Apache-2.0
// Times the MoE's kernels on the machine this runs on, as rows like those of public tables.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "experiments/calibration/latency_row.h"
#include "model/kernel_trial.h"

namespace moesim::experiments {

struct MeasuringOptions {
  // The grid is gone through so often, and each row's best round counts: what disturbs a machine
  // that others use lasts longer than a row.
  int rounds = 3;
  double least_seconds = 0.01;   // of a row's repetitions in a round; their median counts
  double sustained_seconds = 1;  // of each family's longest row, without a pause
  bool small = false;            // a few small shapes, to try it out
  std::function<void(int done, int all)> progress;  // may be empty
};

struct Measured {
  std::vector<LatencyRow> rows;
  std::map<std::string, double> sustained_slowdown;  // by family
  double best_flops_per_s = 0;                       // of any product
  double best_bytes_per_s = 0;                       // of any kernel
};

// The rows that are measured, without their times.
std::vector<LatencyRow> measuring_grid(bool small);

Measured measure_kernels(const model::TrialMachine& machine, const MeasuringOptions& options);

}  // namespace moesim::experiments
