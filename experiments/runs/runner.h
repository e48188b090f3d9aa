// SPDX-License-Identifier: Apache-2.0
// Simulates the points of an experiment in a pool of worker processes. Results do not depend on how
// many there are.
#pragma once

#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/units.h"
#include "experiments/runs/point_desk.h"
#include "experiments/sweep/sweep.h"
#include "sim/run.h"

namespace moesim::experiments {

struct RunnerOptions {
  int workers = 1;                          // processes at a time; one point uses as many threads
  std::string backend = "cpu";              // what trains gates: --backend
  std::optional<base::Seconds> time_limit;  // of wall time for each point
  std::optional<base::Bytes> max_memory;    // resident, of each point
  bool fail_fast = false;                   // the first failed point is the last
  int poll_milliseconds = 100;              // between two looks at anything but the workers
  const volatile std::sig_atomic_t* interrupted = nullptr;  // polled; stops everything when set
  // Called a few times a second: points finished and, when one point is all, how far it is.
  std::function<void(std::size_t finished, const sim::Progress&)> progress;
};

struct RunnerOutcome {
  bool interrupted = false;
  bool stopped_by_failure = false;  // points are missing because one failed
  bool our_bug = false;             // some point failed by a check of ours
};

// Runs the desk's points and records each as it ends. A point
// that fails, is killed or runs out of time is a row with its reason; so is one that cannot be
// ("skipped"). Throws the Error of a lone point, and where the disk takes no more.
RunnerOutcome run_points(const Sweep& sweep, PointDesk& desk, const RunnerOptions& options);

}  // namespace moesim::experiments
