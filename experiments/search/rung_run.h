// SPDX-License-Identifier: Apache-2.0
// Some points of a sweep, run into a run directory of its own or one that an earlier search left.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/results/stored_run.h"
#include "experiments/runs/run_directory.h"
#include "experiments/runs/runner.h"

namespace moesim::experiments {

struct RungPlace {
  std::filesystem::path root;  // the run is a folder below root/<sweep's name>
  std::filesystem::path experiment_file;
  std::string command;
  BackendRecord backend = {};  // that trains gates
  bool fresh = false;          // a new run, whatever there is
  bool retry_failed = false;   // points that have failed run again
};

// One sweep's run directory, open for as long as this is there.
class RungRun {
 public:
  // Takes up the newest run of the sweep by this build and in the backend's arithmetic, finished or
  // not, or makes one. Throws base::Error as RunDirectory and resume_run do.
  RungRun(const Sweep& sweep, const RungPlace& place);
  // As finish(), but says nothing where the disk takes no more: the rows are in the journal.
  ~RungRun();
  RungRun(const RungRun&) = delete;
  RungRun& operator=(const RungRun&) = delete;

  const std::filesystem::path& folder() const { return directory_.path(); }
  // How many of the points have a row.
  std::size_t num_there(const std::vector<std::size_t>& points) const;
  // How many rows there are.
  std::size_t num_rows() const { return directory_.journal().rows().size(); }
  // Runs those of the points without one. Throws as run_points() does.
  RunnerOutcome run(const std::vector<std::size_t>& points, const RunnerOptions& options);
  // Leaves tables and manifest with what the run has come to. Throws base::Error where the disk
  // does not let it.
  void finish();
  // What the rows say now.
  StoredRun results() const;

 private:
  const Sweep& sweep_;
  RunDirectory directory_;
  bool is_finished_ = true;
};

}  // namespace moesim::experiments
