// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/sweep_values.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <memory>
#include <string_view>

#include "base/error.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;

constexpr std::size_t kMostPoints = 100000;
constexpr std::size_t kLongestLabel = 100;  // of a folder's name

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

SweptValues combination(const std::vector<Axis>& axes, std::size_t index) {
  SweptValues swept;
  std::size_t stride = 1;
  for (const Axis& axis : axes) stride *= axis.values.size();
  for (const Axis& axis : axes) {
    stride /= axis.values.size();
    const JsonValue& value = axis.values[index / stride % axis.values.size()];
    swept.values[axis.key] = value;
    swept.axes.push_back(axis.key);
    swept.label += (swept.label.empty() ? "" : ",") + axis.key + "=" +
                   base::to_text(value, base::JsonStyle::compact);
  }
  return swept;
}

}  // namespace

std::vector<SweptValues> swept_values(const JsonValue& document) {
  const std::vector<Axis> axes = axes_of(document);
  std::size_t count = 1;
  for (const Axis& axis : axes) count *= axis.values.size();
  std::vector<SweptValues> points;
  for (std::size_t index = 0; index < count; ++index) points.push_back(combination(axes, index));
  return points;
}

std::string as_file_name(std::string label) {
  std::erase(label, '"');
  for (char& c : label) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                       std::string_view("._=,-").find(c) != std::string_view::npos;
    if (!plain) c = '_';
  }
  return label.substr(0, kLongestLabel);
}

JsonValue with_swept_values(const JsonValue& document,
                            const std::map<std::string, JsonValue>& values) {
  const auto is_sweep = [](const base::JsonMember& member) { return member.key == "sweep"; };
  JsonValue point = base::json_object();
  point.place = document.place;
  // Never copied: a sweep may have 100,000 values, and each point asks for its document.
  std::copy_if(document.members.begin(), document.members.end(), std::back_inserter(point.members),
               [&](const base::JsonMember& member) { return !is_sweep(member); });
  for (const auto& [key, value] : values) {
    const std::string flag =
        value.place.text() + " sweep " + key + "=" + base::to_text(value, base::JsonStyle::compact);
    base::set_json_at(point, key, with_origin(value, flag), flag);
  }
  std::erase_if(point.members, is_sweep);
  return point;
}

}  // namespace moesim::experiments
