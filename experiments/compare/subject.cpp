// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/subject.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "experiments/results/point_name.h"
#include "experiments/results/stored_run.h"
#include "experiments/sweep/sweep.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;
namespace fs = std::filesystem;

// Stored figures that another version computed differ by more than this from what runs give now.
constexpr double kSameFigures = 1e-6;

PointName parts_of(const std::string& argument, const std::string& flag) {
  PointName named = parse_point_name(argument);
  std::error_code unknown;
  if (fs::exists(named.path, unknown)) return named;
  throw Error(flag, "\"" + argument + "\" is neither a run's folder nor an experiment file",
              "name what moesim run printed after \"results in\", or a .json file; a point of a "
              "sweep as RUN:3 or by its id");
}

// The place of the point in `points`, which have `index` and `id`.
template <class Points>
std::size_t place_of(const Points& points, const std::string& wanted, const std::string& flag) {
  if (wanted.empty()) {
    if (points.size() == 1) return 0;
    throw Error(flag, fmt::format("it has {} points", points.size()),
                "name one by its index or id, as RUN:0");
  }
  if (const auto found = find_point(points, wanted)) return *found;
  throw Error(flag, "it has no point \"" + wanted + "\"",
              points.empty()
                  ? "it has none"
                  : fmt::format("use an index, {} to {}, or an id as {}", points.front().index,
                                points.back().index, points.front().id));
}

void fill_config(const JsonValue& document, Subject& subject) {
  base::ReadReport report;
  subject.experiment = read_experiment(document, report);
  sim::validate(subject.experiment.scenario);
  subject.config = base::to_json(subject.experiment);
}

// The folder of the point's files. Throws base::Error where the run has none.
fs::path folder_of(const StoredRun& run, const StoredPoint& point) {
  if (run.num_points <= 1) return run.folder;
  const std::string number = fmt::format("{:04}-", point.index);
  std::error_code unknown;
  for (const auto& entry : fs::directory_iterator(run.folder / "points", unknown)) {
    if (entry.path().filename().string().starts_with(number)) return entry.path();
  }
  throw Error(run.folder.string(),
              fmt::format("has no folder of point {}, whose inputs would be there", point.index),
              "name the experiment's file in its place, or run it with outputs.points all");
}

void read_stored(const fs::path& path, const std::string& wanted, const std::string& flag,
                 Subject& subject) {
  const StoredRun run = read_run(path);
  if (wanted.empty() && run.num_points > 1) {
    throw Error(flag, fmt::format("the run has {} points", run.num_points),
                "name one by its index or id, as RUN:0");
  }
  if (run.points.empty() && run.lost_rows > 0) {
    throw Error(flag, lost_rows_text(run), "name a run that has its rows");
  }
  const StoredPoint& point = run.points[place_of(run.points, wanted, flag)];
  if (point.status != "ok") {
    throw Error(flag, "the point was " + point.status + ": " + point.reason,
                "name one that has figures");
  }
  const std::string label = label_of(run, point);
  subject.title = label.empty() ? run.name : run.name + " (" + label + ")";
  subject.moesim = run.moesim;
  base::ReadReport report;
  base::read_json(read_row(run, point), subject.figures.emplace(), report);
  fill_config(base::read_json_file(folder_of(run, point) / "config.resolved.json"), subject);
}

void read_file(const fs::path& path, const std::string& wanted,
               const std::vector<std::string>& assignments, const std::string& flag,
               Subject& subject) {
  const Sweep sweep = expand(read_document(path, assignments));
  const Point& point = sweep.points[place_of(sweep.points, wanted, flag)];
  const ReadPoint read = read_point(sweep, point);
  subject.title = title_of(sweep, point);
  fill_config(base::parse_json(read.resolved_config, path.string()), subject);
}

}  // namespace

Subject read_subject(const std::string& argument, const std::vector<std::string>& assignments,
                     const std::string& flag) {
  const PointName named = parts_of(argument, flag);
  Subject subject;
  subject.argument = argument;
  if (fs::is_directory(named.path)) {
    if (!assignments.empty()) {
      throw Error("--set " + assignments.front(), "a run that has ended has its inputs",
                  "name the experiment's file in place of " + named.path.string());
    }
    read_stored(named.path, named.point, flag, subject);
  } else {
    read_file(named.path, named.point, assignments, flag, subject);
  }
  return subject;
}

std::optional<std::string> age_warning(const Subject& subject, const std::string& name,
                                       double step_time_now_s, const std::string& cost_source_now) {
  if (!subject.figures) return std::nullopt;
  const double then = subject.figures->step_time_s;
  if (std::abs(step_time_now_s - then) <= kSameFigures * then) return std::nullopt;
  const std::string& times_then = subject.figures->cost_source;
  const bool has_other_times = !times_then.empty() && times_then != cost_source_now;
  return fmt::format(
      "{} has a step of {:.6g} s (moesim {}), and the same inputs now take {:.6g} s: {}; what "
      "follows is as of now",
      name, then, subject.moesim, step_time_now_s,
      has_other_times ? "its compute times were of " + times_then
                      : "another version or other texts");
}

}  // namespace moesim::experiments
