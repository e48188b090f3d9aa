// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep.h"

#include "base/error.h"
#include "base/sha256.h"
#include "experiments/build_info.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;

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

Point make_point(JsonValue document, const std::vector<Axis>& axes, std::size_t index) {
  Point point;
  std::erase_if(document.members, [](const base::JsonMember& member) { return member.key == "sweep"; });
  std::size_t stride = 1;
  for (const Axis& axis : axes) stride *= axis.values.size();
  for (const Axis& axis : axes) {
    stride /= axis.values.size();
    const JsonValue& value = axis.values[index / stride % axis.values.size()];
    const std::string assignment =
        axis.key + "=" + base::to_text(value, base::JsonStyle::compact);
    base::set_json_at(document, axis.key, with_origin(value, "sweep " + assignment),
                      "sweep " + axis.key);
    point.swept[axis.key] = value;
    point.label += (point.label.empty() ? "" : ",") + assignment;
  }
  base::ReadReport report;
  try {
    point.experiment = read_experiment(document, report);
    sim::validate(point.experiment.scenario);
  } catch (const Error& error) {
    if (axes.empty()) throw;
    point.skip_reason = error.where() + ": " + error.message();
  }
  point.warnings = report.warnings;
  point.resolved_config = base::write_json(point.experiment);
  const std::string identity = point.resolved_config + point.label + build_version();
  point.id = base::sha256_hex(identity).substr(0, kIdLength);
  point.experiment.scenario.point = point.id;
  return point;
}

}  // namespace

std::vector<Point> expand(const JsonValue& document) {
  const std::vector<Axis> axes = axes_of(document);
  std::size_t count = 1;
  for (const Axis& axis : axes) count *= axis.values.size();
  std::vector<Point> points;
  for (std::size_t index = 0; index < count; ++index) {
    points.push_back(make_point(document, axes, index));
  }
  return points;
}

}  // namespace moesim::experiments
