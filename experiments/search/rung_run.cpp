// SPDX-License-Identifier: Apache-2.0
#include "experiments/search/rung_run.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "experiments/runs/point_desk.h"
#include "experiments/runs/resume.h"

namespace moesim::experiments {
namespace {

RunDirectory open(const Sweep& sweep, const RungPlace& place) {
  ResumeRequest request{sweep, place.experiment_file, place.command, ""};
  request.also_finished = true;
  const auto earlier = place.fresh ? std::nullopt : find_run(place.root, request);
  if (!earlier || !earlier->is_same_build) {
    return {place.root, new_manifest(sweep, place.command), place.experiment_file};
  }
  return std::move(resume_run(earlier->folder, request).directory);
}

}  // namespace

RungRun::RungRun(const Sweep& sweep, const RungPlace& place)
    : sweep_(sweep), directory_(open(sweep, place)) {}

RungRun::~RungRun() {
  try {
    finish();
  } catch (const base::Error&) {  // the disk takes nothing more; the rows are in the journal
  }
}

void RungRun::finish() {
  const auto& rows = directory_.journal().rows();
  const bool any_failed =
      std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.status == "failed"; });
  directory_.finish(!directory_.missing_points().empty() ? "interrupted"
                    : any_failed                         ? "points failed"
                                                         : "complete");
}

std::size_t RungRun::num_there(const std::vector<std::size_t>& points) const {
  const std::vector<std::size_t> missing = directory_.missing_points();
  return static_cast<std::size_t>(
      std::count_if(points.begin(), points.end(), [&](std::size_t point) {
        return !std::binary_search(missing.begin(), missing.end(), point);
      }));
}

bool RungRun::run(const std::vector<std::size_t>& points, const RunnerOptions& options) {
  DirectoryDesk desk(directory_, std::set<std::size_t>(points.begin(), points.end()));
  return !run_points(sweep_, desk, options).interrupted;
}

StoredRun RungRun::results() const { return read_run(directory_.path()); }

}  // namespace moesim::experiments
