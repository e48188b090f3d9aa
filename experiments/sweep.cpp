// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/sha256.h"
#include "experiments/build_info.h"
#include "experiments/error_place.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;
namespace fs = std::filesystem;

constexpr std::size_t kMostPoints = 100000;
constexpr std::size_t kIdLength = 12;  // hex digits: 48 bits tell 100,000 points apart

struct Axis {
  std::string key;
  std::vector<JsonValue> values;
};

// The sweep's axes in the document's order (the reader's map would sort them).
std::vector<Axis> axes_of(const JsonValue& document) {
  std::vector<Axis> axes;
  const JsonValue* sweep = document.find("sweep");
  if (sweep == nullptr || sweep->kind == JsonValue::Kind::null) return axes;
  if (sweep->kind != JsonValue::Kind::object) {
    throw Error(sweep->place.text() + "  /sweep", "expected an object of keys and lists of values",
                "\"sweep\": {\"router.capacity_factor\": [1.0, 1.25, null]}");
  }
  std::size_t points = 1;
  for (const base::JsonMember& member : sweep->members) {
    const std::string where = member.place.text() + "  /sweep/" + member.key;
    if (member.value.kind != JsonValue::Kind::array || member.value.items.empty()) {
      throw Error(where, "expected a list of at least one value", "\"" + member.key + "\": [1, 2]");
    }
    points *= member.value.items.size();
    if (points > kMostPoints) {
      throw Error(where, "the sweep has more than 100,000 points", "sweep fewer values at once");
    }
    axes.push_back({member.key, member.value.items});
  }
  return axes;
}

// Values of a sweep count as set from outside: what they make unused is a warning, not an error.
JsonValue with_origin(JsonValue value, const std::string& flag) {
  value.place = {std::make_shared<const std::string>(flag), 0, 0};
  for (JsonValue& item : value.items) item = with_origin(std::move(item), flag);
  for (base::JsonMember& member : value.members) {
    member.place = value.place;
    member.value = with_origin(std::move(member.value), flag);
  }
  return value;
}

// The tree of one point: the file's with the swept values in place.
JsonValue document_of(const Point& point) {
  JsonValue document = *point.document;
  for (const auto& [key, value] : point.swept) {
    const std::string flag =
        value.place.text() + " sweep " + key + "=" + base::to_text(value, base::JsonStyle::compact);
    base::set_json_at(document, key, with_origin(value, flag), flag);
  }
  std::erase_if(document.members,
                [](const base::JsonMember& member) { return member.key == "sweep"; });
  return document;
}

Point make_point(std::shared_ptr<const JsonValue> document, const std::vector<Axis>& axes,
                 std::size_t index) {
  Point point;
  point.document = std::move(document);
  std::size_t stride = 1;
  for (const Axis& axis : axes) stride *= axis.values.size();
  for (const Axis& axis : axes) {
    stride /= axis.values.size();
    const JsonValue& value = axis.values[index / stride % axis.values.size()];
    point.swept[axis.key] = value;
    point.label += (point.label.empty() ? "" : ",") + axis.key + "=" +
                   base::to_text(value, base::JsonStyle::compact);
  }
  return point;
}

// Throws where the point cannot be.
void read_point(Point& point) {
  base::ReadReport report;
  try {
    point.experiment = read_experiment(document_of(point), report);
    sim::validate(point.experiment.scenario);
  } catch (const Error& error) {
    throw placed_error(point, error);
  }
  point.warnings = report.warnings;
}

// The experiment with every path of a text or trace turned into what `turn` makes of it.
Experiment with_paths(Experiment experiment, fs::path (*turn)(const fs::path&)) {
  sim::RoutingConfig& routing = experiment.scenario.routing;
  for (std::string* path : {&routing.proxy.text, &routing.trace}) {
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
  const std::vector<Axis> axes = axes_of(document);
  const auto shared = std::make_shared<const JsonValue>(document);
  std::size_t count = 1;
  for (const Axis& axis : axes) count *= axis.values.size();
  std::vector<Point> points;
  std::optional<Error> first_error;
  bool any_can_run = false;
  for (std::size_t index = 0; index < count; ++index) {
    Point& point = points.emplace_back(make_point(shared, axes, index));
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
    return with_place(as_fault_of_key(point, error), resolve_presets(document_of(point)));
  } catch (const Error&) {
    return error;  // a preset is at fault, and the error says which
  }
}

}  // namespace moesim::experiments
