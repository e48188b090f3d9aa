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
  bool fresh = false;  // a new run, whatever there is
};

// One sweep's run directory, open for as long as this is there.
class RungRun {
 public:
  // Takes up this build's newest run of the sweep, finished or not, or makes one. Throws
  // base::Error as RunDirectory and resume_run do.
  RungRun(const Sweep& sweep, const RungPlace& place);
  // Leaves the manifest with what the run has come to.
  ~RungRun();
  RungRun(const RungRun&) = delete;
  RungRun& operator=(const RungRun&) = delete;

  const std::filesystem::path& folder() const { return directory_.path(); }
  // How many of the points have a row.
  std::size_t num_there(const std::vector<std::size_t>& points) const;
  // Runs those without one. False when it was interrupted. Throws as run_points() does.
  bool run(const std::vector<std::size_t>& points, const RunnerOptions& options);
  // What the rows say now.
  StoredRun results() const;

 private:
  void finish();

  const Sweep& sweep_;
  RunDirectory directory_;
};

}  // namespace moesim::experiments
