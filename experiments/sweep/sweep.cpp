// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/sweep.h"

#include <map>
#include <optional>
#include <string_view>

#include "experiments/error_place.h"
#include "experiments/file_names.h"
#include "experiments/sweep/axes.h"
#include "experiments/sweep/identity.h"
#include "experiments/sweep/sweep_values.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;

// The tree of one point: the file's with the swept values in place.
JsonValue document_of(const Sweep& sweep, const Point& point) {
  return with_swept_values(*sweep.document, point.swept);
}

// A file that cannot be read is the fault of the key that names it.
Error as_fault_of_key(const JsonValue& resolved, const Error& error) {
  for (const NamedFile& file : files_named_in("", resolved)) {
    if (file.value->text != error.where()) continue;
    return {pointer_of_key(file.key), error.where() + ": " + error.message(), error.hint()};
  }
  return error;
}

Error placed(const JsonValue& document, const Error& error) {
  try {
    const JsonValue resolved = resolve_presets(document);
    return with_place(as_fault_of_key(resolved, error), resolved,
                      base::struct_codec_of<Experiment>());
  } catch (const Error&) {
    return error;  // a preset is at fault, and the error says which
  }
}

constexpr std::size_t kMostPointFolders = 1000;

// The first point that can be read gives the experiment its name, and says which files are written.
void read_name(Sweep& sweep) {
  const Experiment experiment = first_point(sweep).read.experiment;
  sweep.name = experiment.name;
  sweep.question = experiment.question;
  sweep.objectives = in_order(*sweep.document, experiment.objectives);
  sweep.constraints = read_constraints(*sweep.document, experiment.constraints);
  sweep.wants_report = experiment.outputs.report;
  const PointFolders folders = experiment.outputs.points;
  sweep.has_point_folders =
      folders == PointFolders::all ||
      (folders == PointFolders::automatic && sweep.points.size() <= kMostPointFolders);
}

std::string text_at(const Point& point, const std::string& key) {
  const auto found = point.swept.find(key);
  if (found == point.swept.end()) return {};
  return base::to_text(found->second, base::JsonStyle::compact);
}

// Of two points of one id: the swept key that they write differently.
Error is_one_point(const Sweep& sweep, const Point& first, const Point& second) {
  const std::string what = "\"" + first.label + "\" and \"" + second.label + "\" are one point";
  for (const Axis& axis : read_axes(sweep.document->find("sweep"))) {
    for (const std::string& key : axis.keys) {
      if (text_at(first, key) == text_at(second, key)) continue;
      const bool names_files = !files_named_in(key, second.swept.at(key)).empty();
      return {axis.where, what,
              names_files ? "the files that they name have the same content: take one of them out"
                          : "take one of them out"};
    }
  }
  return {"/sweep", what, "take one of them out"};
}

// A file is known by its content, so that two names may make one point.
void require_different_points(const Sweep& sweep) {
  std::map<std::string_view, const Point*> points;
  for (const Point& point : sweep.points) {
    const auto [first, is_new] = points.emplace(point.id, &point);
    if (!is_new) throw is_one_point(sweep, *first->second, point);
  }
}

}  // namespace

Sweep expand(const JsonValue& document) {
  Sweep sweep;
  sweep.document = std::make_shared<const JsonValue>(document);
  const Identity identity(document);
  for (SweptValues& values : swept_values(document)) {
    Point& point = sweep.points.emplace_back();
    point.index = sweep.points.size() - 1;
    point.label = std::move(values.label);
    point.swept = std::move(values.values);
    point.excluded = std::move(values.excluded);
    point.id = identity.of(point.swept);
    sweep.axes = std::move(values.axes);
  }
  require_different_points(sweep);
  read_name(sweep);
  return sweep;
}

FirstPoint first_point(const Sweep& sweep) {
  std::optional<Error> first_error;
  for (const Point& point : sweep.points) {
    try {
      return {point, read_point(sweep, point)};
    } catch (const Error& error) {
      if (!first_error) first_error = error;
    }
  }
  throw *first_error;
}

ReadPoint read_point(const Sweep& sweep, const Point& point) {
  if (!point.excluded.empty()) {
    throw Error("/sweep/exclude", point.excluded, "take the exclusion out to run the point");
  }
  const JsonValue document = document_of(sweep, point);
  ReadPoint read;
  try {
    base::ReadReport report;
    read.experiment = read_experiment(document, report);
    read.warnings = report.warnings;
    sim::validate(read.experiment.scenario);
    if (read.experiment.outputs.routing_trace) {
      sim::require_recordable_routing(read.experiment.scenario);
    }
  } catch (const Error& error) {
    throw placed(document, error);
  }
  read.resolved_config = base::write_json(read.experiment);
  read.experiment.scenario.point = point.id;
  return read;
}

Error placed_error(const Sweep& sweep, const Point& point, const Error& error) {
  return placed(document_of(sweep, point), error);
}

std::string title_of(const Sweep& sweep, const Point& point) {
  return point.label.empty() ? sweep.name : sweep.name + " (" + point.label + ")";
}

}  // namespace moesim::experiments
