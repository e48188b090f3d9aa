// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/sha256.h"
#include "experiments/build_info.h"
#include "experiments/error_place.h"
#include "experiments/sweep_values.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;
namespace fs = std::filesystem;

constexpr std::size_t kIdLength = 12;  // hex digits: 48 bits tell 100,000 points apart

// The tree of one point: the file's with the swept values in place.
JsonValue document_of(const Point& point) {
  return with_swept_values(*point.document, point.swept);
}

// Throws where the point cannot be.
void read_point(Point& point) {
  base::ReadReport report;
  try {
    point.experiment = read_experiment(document_of(point), report);
    sim::validate(point.experiment.scenario);
    if (point.experiment.outputs.routing_trace) {
      sim::require_recordable_routing(point.experiment.scenario);
    }
  } catch (const Error& error) {
    throw placed_error(point, error);
  }
  point.warnings = report.warnings;
}

// The experiment with every path of a text, trace or graph turned into what `turn` makes of it.
Experiment with_paths(Experiment experiment, fs::path (*turn)(const fs::path&)) {
  sim::Scenario& scenario = experiment.scenario;
  std::vector<std::string*> paths = {&scenario.cluster.file};
  const auto add = [&](sim::RoutingConfig& routing) {
    paths.insert(paths.end(), {&routing.proxy.text, &routing.trace});
  };
  add(scenario.routing);
  for (sim::JobConfig& job : scenario.jobs) add(job.routing);
  for (std::string* path : paths) {
    if (!path->empty()) *path = turn(*path).string();
  }
  return experiment;
}

// The resolved configuration runs again from wherever it is put; the id is the same wherever the
// experiment lies.
void identify(Point& point) {
  const auto absolute = [](const fs::path& path) { return fs::absolute(path).lexically_normal(); };
  const auto name = [](const fs::path& path) { return path.filename(); };
  point.resolved_config = base::write_json(with_paths(point.experiment, absolute));
  const std::string identity =
      base::write_json(with_paths(point.experiment, name)) + point.label + build_version();
  point.id = base::sha256_hex(identity).substr(0, kIdLength);
  point.experiment.scenario.point = point.id;
}

// A file that cannot be read is the fault of the key that names it.
Error as_fault_of_key(const Point& point, const Error& error) {
  const sim::RoutingConfig& routing = point.experiment.scenario.routing;
  const std::pair<std::string, const char*> files[] = {{routing.proxy.text, "/routing/proxy/text"},
                                                       {routing.trace, "/routing/trace"}};
  for (const auto& [file, pointer] : files) {
    if (file.empty() || error.where() != file) continue;
    return {pointer, file + ": " + error.message(), error.hint()};
  }
  return error;
}

// A point that was not read takes the experiment's name from one that was.
void name_skipped(std::vector<Point>& points) {
  const auto read = std::find_if(points.begin(), points.end(),
                                 [](const Point& point) { return point.skip_reason.empty(); });
  for (Point& point : points) {
    if (point.skip_reason.empty()) continue;
    point.experiment.name = read->experiment.name;
    point.experiment.question = read->experiment.question;
  }
}

}  // namespace

std::vector<Point> expand(const JsonValue& document) {
  const auto shared = std::make_shared<const JsonValue>(document);
  std::vector<Point> points;
  std::optional<Error> first_error;
  bool any_can_run = false;
  for (SweptValues& values : swept_values(document)) {
    Point& point = points.emplace_back();
    point.document = shared;
    point.label = std::move(values.label);
    point.swept = std::move(values.values);
    try {
      read_point(point);
      any_can_run = true;
    } catch (const Error& error) {
      if (!first_error) first_error = error;
      point.skip_reason = error.where() + ": " + error.message();
    }
    identify(point);
  }
  if (!any_can_run) throw *first_error;
  name_skipped(points);
  return points;
}

Error placed_error(const Point& point, const Error& error) {
  try {
    return with_place(as_fault_of_key(point, error), resolve_presets(document_of(point)),
                      base::struct_codec_of<Experiment>());
  } catch (const Error&) {
    return error;  // a preset is at fault, and the error says which
  }
}

}  // namespace moesim::experiments
