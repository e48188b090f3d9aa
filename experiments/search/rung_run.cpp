// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/rung_run.h"

#include <algorithm>
#include <exception>

#include "experiments/runs/point_desk.h"
#include "experiments/runs/resume.h"

namespace moesim::experiments {
namespace {

RunDirectory open(const Sweep& sweep, const RungPlace& place) {
  ResumeRequest request{sweep, place.experiment_file, place.command, ""};
  request.also_finished = true;
  request.retry_failed = place.retry_failed;
  request.backend = place.backend;
  const auto earlier = place.fresh ? std::nullopt : find_run(place.root, request);
  if (!earlier || !earlier->obstacle.empty()) {
    RunManifest manifest = new_manifest(sweep, place.command);
    manifest.backend = place.backend;
    return {place.root, manifest, place.experiment_file};
  }
  return std::move(resume_run(earlier->folder, request).directory);
}

}  // namespace

RungRun::RungRun(const Sweep& sweep, const RungPlace& place)
    : sweep_(sweep), directory_(open(sweep, place)) {}

RungRun::~RungRun() {
  if (is_finished_) return;
  try {
    finish();
  } catch (const std::exception&) {
  }
}

void RungRun::finish() {
  directory_.finish(directory_.status_of_rows());
  is_finished_ = true;
}

std::size_t RungRun::num_there(const std::vector<std::size_t>& points) const {
  const std::vector<std::size_t> missing = directory_.missing_points();
  return static_cast<std::size_t>(
      std::count_if(points.begin(), points.end(), [&](std::size_t point) {
        return !std::binary_search(missing.begin(), missing.end(), point);
      }));
}

RunnerOutcome RungRun::run(const std::vector<std::size_t>& points, const RunnerOptions& options) {
  is_finished_ = false;
  DirectoryDesk desk(directory_, points);
  return run_points(sweep_, desk, options);
}

StoredRun RungRun::results() const { return read_run(directory_.path()); }

}  // namespace moesim::experiments
