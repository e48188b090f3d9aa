// SPDX-License-Identifier: Apache-2.0
// A child process that simulates one point: SimGrid allows one engine per process and aborts on
// misuse, so no simulation shares a process with another or with the program that reports on it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/units.h"
#include "experiments/sweep/sweep.h"
#include "sim/report/result.h"
#include "sim/run.h"

namespace moesim::experiments {

// What a finished worker has to say. Exactly one of `result`, `error` and `failure` is set.
struct WorkerOutcome {
  std::string result;                // JSON on one line, result keys
  std::optional<base::Error> error;  // the input's fault, placed
  bool is_skipped = false;           // the error is that the point cannot be
  bool is_of_disk = false;           // the error is that its files cannot be written
  std::string failure;               // the simulator's: a failed check, a signal, no memory
  bool is_our_bug = false;           // the failure is a failed check
};

// What a worker computes with. The number of threads never changes a result, and a backend only one
// that multiplies in an order of its own (docs/cuda.md).
struct WorkerMeans {
  int num_threads = 1;
  std::string backend = "cpu";  // --backend
};

class Worker {
 public:
  // Forks; throws base::Error at "--jobs" where the system lets no more processes start. The child
  // writes result.json, traces and log.txt into `folder` (which exists; "" for none) and stops.
  Worker(const Sweep& sweep, const Point& point, const std::filesystem::path& folder,
         const WorkerMeans& means);
  ~Worker();  // kills a child that still runs
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Readable when there is something to take in.
  int descriptor() const { return descriptor_; }
  // Reads what has come; true when the child has finished and `outcome` is complete.
  bool take_in();
  // Ends the child; the outcome is then a failure with this reason.
  void stop(const std::string& reason);
  // What the child has printed.
  std::string log_text() const;
  // The child's, now.
  base::Bytes resident_memory() const;

  const WorkerOutcome& outcome() const { return outcome_; }
  const sim::Progress& progress() const { return progress_; }

 private:
  void take_message(char kind, const std::string& text);
  void collect_exit();

  std::string title_;
  pid_t child_ = -1;
  std::uint64_t kills_before_ = 0;  // of processes, for want of memory
  int descriptor_ = -1;
  int log_ = -1;
  std::string buffer_;
  WorkerOutcome outcome_;
  sim::Progress progress_;
};

}  // namespace moesim::experiments
