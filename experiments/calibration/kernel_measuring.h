// SPDX-License-Identifier: Apache-2.0
// Times the MoE's kernels on a machine, as rows like those of public tables.
//
// A time is that of a kernel among others in a queue: what the machine takes to begin it is part of
// it, since a step pays for that too; what the host takes to wait for a result is not. Where runs
// are queued, so many go between two waits that a wait does not count.
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "experiments/calibration/measuring_grid.h"
#include "model/kernel_trial.h"

namespace moesim::experiments {

// Seconds since some time or other, by a clock that never goes back.
inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct MeasuringOptions {
  // The rows are gone through so often, and each row's best round counts: what disturbs a machine
  // that others use lasts longer than a row.
  int rounds = 3;
  double least_seconds = 0.01;   // of a row's repetitions in a round; their median counts
  int fewest_repetitions = 5;    // of it, however long they take
  double sustained_seconds = 1;  // of each family's longest row, without a pause
  // A row whose run takes longer is left out, and so are those of its shape with more tokens.
  double most_run_seconds = std::numeric_limits<double>::infinity();
  // No other round begins after so long.
  double most_seconds = std::numeric_limits<double>::infinity();
  std::function<void(int done, int all)> progress;  // may be empty
  std::function<double()> clock = steady_seconds;   // what all times are taken by
};

// For a grid: all rows of a large one within some three minutes on an accelerator.
MeasuringOptions options_for(GridSize size);

struct Measured {
  std::vector<LatencyRow> rows;
  int left_out = 0;  // rows that do not fit the machine, or take too long
  // How much longer than its best round a row's next best took, in the middle of the rows: what
  // other work on the machine makes of equal runs. None of one round.
  std::optional<double> disagreement;
  std::map<std::string, double> sustained_slowdown;  // by family
  double best_flops_per_s = 0;                       // of any product
  double best_bytes_per_s = 0;  // of any kernel, of bytes that it has to move: each counts once
};

// Above this a warning: two idle cores give 1.4 to 1.7 %, and 4.7 to 11.6 % beside two compilers,
// where tables of two runs are 20 % apart.
inline constexpr double kMostDisagreement = 0.04;

// Rows of one shape follow one another by tokens.
Measured measure_kernels(model::TrialMachine& machine, const std::vector<LatencyRow>& rows,
                         const MeasuringOptions& options);

// The kernel that a family of cost_table.h times; none is whole layers' (kMoeLayer).
model::TrialKernel trial_kernel_of(const std::string& family);

}  // namespace moesim::experiments
