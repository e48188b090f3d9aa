// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/sweep_values.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "experiments/file_names.h"
#include "experiments/sweep/axes.h"
#include "experiments/sweep/exclusions.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

constexpr std::size_t kLongestLabel = 100;  // of a folder's name

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

}  // namespace

std::vector<SweptValues> swept_values(const JsonValue& document) {
  const JsonValue* sweep = document.find("sweep");
  const std::vector<Axis> axes = read_axes(sweep);
  std::vector<std::string> keys;
  for (const Axis& axis : axes) keys.insert(keys.end(), axis.keys.begin(), axis.keys.end());
  const Exclusions exclusions(sweep, keys);
  std::vector<SweptValues> points;
  for (std::vector<Setting>& settings : combine(axes, read_sample(sweep))) {
    SweptValues& swept = points.emplace_back();
    swept.axes = keys;
    std::vector<std::string> set;  // in the order of the document's cases
    for (Setting& setting : settings) {
      for (auto& [key, value] : setting) {
        set.push_back(key);
        swept.values[key] = std::move(value);
      }
    }
    swept.label = label_of(set, swept.values, ",");
    swept.excluded = exclusions.reason(swept.values);
  }
  return points;
}

std::string label_of(const std::vector<std::string>& keys,
                     const std::map<std::string, JsonValue>& values, const char* separator) {
  std::string label;
  for (const std::string& key : keys) {
    const auto found = values.find(key);
    if (found == values.end()) continue;
    label += (label.empty() ? "" : separator) + key + "=" +
             base::to_text(found->second, base::JsonStyle::compact);
  }
  return label;
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
    base::set_json_at(point, key, with_origin(resolve_files(key, value), flag), flag);
  }
  std::erase_if(point.members, is_sweep);
  return point;
}

}  // namespace moesim::experiments
