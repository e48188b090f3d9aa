// SPDX-License-Identifier: Apache-2.0
// An earlier run taken up where it stopped. A point that has a row is not run again; rows are told
// by their points' ids, so that a sweep may have grown or been reordered meanwhile.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "experiments/runs/run_directory.h"

namespace moesim::experiments {

struct ResumeRequest {
  const Sweep& sweep;
  std::filesystem::path experiment_file;
  std::string command;         // for the manifest
  std::string shard;           // "2/3"; "" for the whole sweep
  bool retry_failed = false;   // points with a row of status "failed" run again
  bool also_finished = false;  // a run that has all its points is taken too
  BackendRecord backend = {};  // that trains gates now
};

struct FoundRun {
  std::filesystem::path folder;
  // Why it cannot be gone on with: "of another build of moesim"; "" where it can.
  std::string obstacle;
};

// The newest run of the same points below root/name, if points of it may be missing (or failed,
// where these are to run again) or finished ones are asked for too; a run that can be gone on with,
// of this build and in the arithmetic of the request's backend, goes before others.
std::optional<FoundRun> find_run(const std::filesystem::path& root, const ResumeRequest& request);

struct ResumedRun {
  RunDirectory directory;
  std::size_t dropped = 0;  // rows of points that the sweep no longer has
};

// Locks the run, gives its rows and point folders the sweep's indices, removes the rows that are
// not in the sweep or are to run again, and sets the manifest to "running", with the backend among
// those of the run. Throws base::Error where the run is of another experiment, of another build, in
// another arithmetic, of one point only or in use.
ResumedRun resume_run(const std::filesystem::path& folder, const ResumeRequest& request);

}  // namespace moesim::experiments
