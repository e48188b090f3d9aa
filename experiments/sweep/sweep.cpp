// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/sweep.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

#include "experiments/error_place.h"
#include "experiments/sweep/identity.h"
#include "experiments/sweep/sweep_values.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;
namespace fs = std::filesystem;

// The tree of one point: the file's with the swept values in place.
JsonValue document_of(const Sweep& sweep, const Point& point) {
  return with_swept_values(*sweep.document, point.swept);
}

// With every path of a text, trace or graph made absolute: the resolved configuration runs again
// from wherever it is put.
Experiment with_absolute_paths(Experiment experiment) {
  sim::Scenario& scenario = experiment.scenario;
  std::vector<std::string*> paths = {&scenario.cluster.file};
  const auto add = [&](sim::RoutingConfig& routing) {
    paths.insert(paths.end(), {&routing.proxy.text, &routing.trace});
  };
  add(scenario.routing);
  for (sim::JobConfig& job : scenario.jobs) add(job.routing);
  for (std::string* path : paths) {
    if (!path->empty()) *path = fs::absolute(*path).lexically_normal().string();
  }
  return experiment;
}

// A file that cannot be read is the fault of the key that names it.
Error as_fault_of_key(const JsonValue& document, const Error& error) {
  const auto named = [&](std::initializer_list<const char*> keys) {
    const JsonValue* value = &document;
    for (const char* key : keys) value = value != nullptr ? value->find(key) : nullptr;
    return value != nullptr ? resolve_path(*value).string() : std::string();
  };
  const std::pair<std::string, const char*> files[] = {
      {named({"routing", "proxy", "text"}), "/routing/proxy/text"},
      {named({"routing", "trace"}), "/routing/trace"}};
  for (const auto& [file, pointer] : files) {
    if (file.empty() || error.where() != file) continue;
    return {pointer, file + ": " + error.message(), error.hint()};
  }
  return error;
}

Error placed(const JsonValue& document, const Error& error) {
  try {
    return with_place(as_fault_of_key(document, error), resolve_presets(document),
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

// A file is known by its content, so that two names may make one point.
void require_different_points(const Sweep& sweep) {
  std::map<std::string_view, const Point*> points;
  for (const Point& point : sweep.points) {
    const auto [first, is_new] = points.emplace(point.id, &point);
    if (is_new) continue;
    throw Error("/sweep",
                "\"" + first->second->label + "\" and \"" + point.label + "\" are one point",
                "the files that they name have the same content: take one of them out");
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
  read.resolved_config = base::write_json(with_absolute_paths(read.experiment));
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
