// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/axes.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/rng.h"
#include "experiments/sweep/axis_values.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonMember;
using base::JsonValue;

constexpr std::size_t kMostPoints = 100000;

std::string where_of(const base::Place& place, const std::string& key) {
  return place.text() + "  /sweep/" + key;
}

Axis axis_of_key(const std::string& key, const JsonValue& rule, const std::string& where) {
  Axis axis{where, {key}, {}, {}};
  AxisValues found = axis_values(rule, where);
  for (JsonValue& value : found.values) axis.settings.push_back({{key, std::move(value)}});
  if (found.quantile) {
    axis.quantile = [key, quantile = found.quantile, place = rule.place](double u) {
      JsonValue value = quantile(u);
      value.place = place;
      return Setting{{key, std::move(value)}};
    };
  }
  return axis;
}

// All keys of the object in lockstep.
Axis zipped(const JsonValue& object, const std::string& where) {
  if (object.kind != JsonValue::Kind::object || object.members.empty()) {
    throw Error(where, "expected an object of keys and lists of values",
                "\"zip\": [{\"a.b\": [1, 2], \"c.d\": [3, 4]}]");
  }
  Axis axis{where, {}, {}, {}};
  for (const JsonMember& member : object.members) {
    const Axis one = axis_of_key(member.key, member.value, where);
    if (axis.keys.empty()) axis.settings.resize(one.settings.size());
    if (one.settings.empty() || one.settings.size() != axis.settings.size()) {
      throw Error(where,
                  member.key + " has " + std::to_string(one.settings.size()) + " values and " +
                      object.members.front().key + " has " + std::to_string(axis.settings.size()),
                  "what is zipped has as many values each");
    }
    axis.keys.push_back(member.key);
    for (std::size_t i = 0; i < one.settings.size(); ++i) {
      axis.settings[i].push_back(one.settings[i].front());
    }
  }
  return axis;
}

Axis listed(const JsonValue& cases, const std::string& where) {
  Axis axis{where, {}, {}, {}};
  for (const JsonValue& one : cases.items) {
    Setting& setting = axis.settings.emplace_back();
    for (const JsonMember& member : one.members) {
      setting.emplace_back(member.key, member.value);
      if (std::find(axis.keys.begin(), axis.keys.end(), member.key) == axis.keys.end()) {
        axis.keys.push_back(member.key);
      }
    }
  }
  const bool all_objects = std::all_of(cases.items.begin(), cases.items.end(),
                                       [](const JsonValue& one) { return !one.members.empty(); });
  if (cases.items.empty() || !all_objects) {
    throw Error(where, "expected a list of objects of keys and values",
                "\"cases\": [{\"a.b\": 1}, {\"a.b\": 2, \"c.d\": 3}]");
  }
  return axis;
}

void check_keys(const std::vector<Axis>& axes) {
  std::set<std::string> known;
  for (const Axis& axis : axes) {
    for (const std::string& key : axis.keys) {
      if (known.insert(key).second) continue;
      throw Error(axis.where, "two axes set " + key, "sweep each key once");
    }
  }
}

// Numbers as what they are worth, 1.0 like 1, but integers as they are written, which may be longer
// than a double; members in the order of their keys.
JsonValue by_value(JsonValue value) {
  constexpr double kMostExact = 1e15;
  if (value.kind == JsonValue::Kind::number && !value.integral) {
    const bool is_whole =
        std::abs(value.number) < kMostExact && value.number == std::floor(value.number);
    return is_whole ? base::json_of(static_cast<std::int64_t>(value.number))
                    : base::json_of(value.number);
  }
  for (JsonValue& item : value.items) item = by_value(std::move(item));
  for (JsonMember& member : value.members) member.value = by_value(std::move(member.value));
  std::sort(value.members.begin(), value.members.end(),
            [](const JsonMember& a, const JsonMember& b) { return a.key < b.key; });
  return value;
}

std::string text_of(const JsonValue& value) {
  return base::to_text(by_value(value), base::JsonStyle::compact);
}

std::string text_of(const Setting& setting) {
  std::map<std::string, std::string> texts;
  for (const auto& [key, value] : setting) texts[key] = text_of(value);
  std::string text;
  for (const auto& [key, value] : texts) {
    text += (text.empty() ? "" : ", ") + (setting.size() == 1 ? value : key + "=" + value);
  }
  return text;
}

// Points that are the same would count twice in means and share one id.
void check_values(const std::vector<Axis>& axes) {
  for (const Axis& axis : axes) {
    std::set<std::string> known;
    for (const Setting& setting : axis.settings) {
      if (known.insert(text_of(setting)).second) continue;
      throw Error(axis.where, text_of(setting) + " stands there twice", "name each value once");
    }
  }
}

JsonValue swept_by_flag(const std::string& text, const std::string& flag) {
  JsonValue holder = base::json_object();
  if (text.front() == '[' || text.front() == '{') {
    base::set_json(holder, "v=" + text);
  } else {
    base::add_member(holder, "v", base::json_array());
    std::size_t begin = 0;
    while (begin <= text.size()) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      JsonValue item = base::json_object();
      base::set_json(item, "v=" + text.substr(begin, end - begin));
      holder.members.front().value.items.push_back(std::move(item.members.front().value));
      begin = end + 1;
    }
  }
  JsonValue rule = std::move(holder.members.front().value);
  rule.place = {std::make_shared<const std::string>(flag), 0, 0};
  for (JsonValue& item : rule.items) item.place = rule.place;
  return rule;
}

std::vector<std::vector<Setting>> product(const std::vector<Axis>& axes) {
  std::size_t count = 1;
  for (const Axis& axis : axes) {
    if (axis.settings.empty()) {
      throw Error(axis.where, "a distribution has no end of values",
                  "add \"sample\": {\"method\": \"latin_hypercube\", \"count\": 100}");
    }
    count *= axis.settings.size();
    if (count > kMostPoints) {
      throw Error(axis.where, "the sweep has more than 100,000 points",
                  "sweep fewer values at once, or add a \"sample\"");
    }
  }
  std::vector<std::vector<Setting>> points(count);
  for (std::size_t index = 0; index < count; ++index) {
    std::size_t stride = count;
    for (const Axis& axis : axes) {
      stride /= axis.settings.size();
      points[index].push_back(axis.settings[index / stride % axis.settings.size()]);
    }
  }
  return points;
}

// Shares of one axis for all draws. A stream of its own, so that other axes change nothing.
std::vector<double> shares_of(const Axis& axis, const Sample& sample) {
  std::string stream = "sample";
  for (const std::string& key : axis.keys) stream += " " + key;
  base::Rng rng(sample.seed, stream);
  std::vector<double> shares(sample.count);
  for (double& share : shares) share = rng.uniform();
  if (!sample.is_stratified) return shares;
  std::vector<std::size_t> strata(sample.count);
  std::iota(strata.begin(), strata.end(), std::size_t{0});
  for (std::size_t i = strata.size(); i > 1; --i) std::swap(strata[i - 1], strata[rng.below(i)]);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    shares[i] = (static_cast<double>(strata[i]) + shares[i]) / static_cast<double>(sample.count);
  }
  return shares;
}

std::string text_of(const std::vector<Setting>& point) {
  std::string text;
  for (const Setting& setting : point) {
    for (const auto& [key, value] : setting) {
      text += key + "=" + base::to_text(value, base::JsonStyle::compact) + "\n";
    }
  }
  return text;
}

std::vector<std::vector<Setting>> draw(const std::vector<Axis>& axes, const Sample& sample) {
  std::vector<std::vector<Setting>> points(sample.count);
  for (const Axis& axis : axes) {
    const std::vector<double> shares = shares_of(axis, sample);
    for (std::size_t i = 0; i < points.size(); ++i) points[i].push_back(axis.at_share(shares[i]));
  }
  std::set<std::string> known;
  std::erase_if(points, [&](const auto& point) { return !known.insert(text_of(point)).second; });
  return points;
}

}  // namespace

Setting Axis::at_share(double u) const {
  if (settings.empty()) return quantile(u);
  const auto index = static_cast<std::size_t>(u * static_cast<double>(settings.size()));
  return settings[std::min(index, settings.size() - 1)];
}

bool is_seed(const std::string& key) { return key.ends_with("seed"); }

std::vector<Axis> read_axes(const JsonValue* sweep) {
  std::vector<Axis> axes;
  if (sweep == nullptr || sweep->kind == JsonValue::Kind::null) return axes;
  if (sweep->kind != JsonValue::Kind::object) {
    throw Error(sweep->place.text() + "  /sweep", "expected an object of keys and lists of values",
                "\"sweep\": {\"router.capacity_factor\": [1.0, 1.25, null]}");
  }
  for (const JsonMember& member : sweep->members) {
    const std::string where = where_of(member.place, member.key);
    if (member.key == "exclude" || member.key == "sample") continue;
    if (member.key == "cases") {
      axes.push_back(listed(member.value, where));
    } else if (member.key != "zip") {
      axes.push_back(axis_of_key(member.key, member.value, where));
    } else if (member.value.kind == JsonValue::Kind::array) {
      for (const JsonValue& object : member.value.items) axes.push_back(zipped(object, where));
    } else {
      axes.push_back(zipped(member.value, where));
    }
  }
  check_keys(axes);
  check_values(axes);
  return axes;
}

void add_axis(JsonValue& document, const std::string& assignment) {
  const std::string flag = "--sweep " + assignment;
  const std::size_t equals = assignment.find('=');
  if (equals == 0 || equals == std::string::npos || equals + 1 == assignment.size()) {
    throw Error(flag, "expected a key and its values",
                "write --sweep router.capacity_factor=1,1.25,null");
  }
  const std::string key = assignment.substr(0, equals);
  JsonValue rule = swept_by_flag(assignment.substr(equals + 1), flag);
  JsonValue* sweep = document.find("sweep");
  if (sweep == nullptr) sweep = &base::add_member(document, "sweep", base::json_object());
  if (sweep->kind == JsonValue::Kind::null) *sweep = base::json_object();
  if (sweep->kind != JsonValue::Kind::object) return;  // read_axes says what is wrong with it
  for (const JsonMember& member : sweep->members) {
    const bool by_flag = member.place.origin && member.place.origin->starts_with("--sweep ");
    if (member.key == key && by_flag) {
      throw Error(flag, "\"" + key + "\" is swept by a flag before this one",
                  "give all its values at once: --sweep " + key + "=1,2");
    }
  }
  std::erase_if(sweep->members, [&](const JsonMember& member) { return member.key == key; });
  base::Place place = rule.place;
  sweep->members.push_back({key, std::move(place), std::move(rule)});
}

std::optional<Sample> read_sample(const JsonValue* sweep) {
  const JsonValue* object = sweep != nullptr ? sweep->find("sample") : nullptr;
  if (object == nullptr) return std::nullopt;
  const std::string where = where_of(object->place, "sample");
  const std::string hint = "\"sample\": {\"method\": \"random\", \"count\": 100, \"seed\": 0}";
  Sample sample;
  for (const JsonMember& member : object->members) {
    const bool is_whole = member.value.integral && member.value.number >= 0;
    if (member.key == "method" &&
        (member.value.text == "random" || member.value.text == "latin_hypercube")) {
      sample.is_stratified = member.value.text == "latin_hypercube";
    } else if (member.key == "count" && is_whole) {
      sample.count = static_cast<std::size_t>(member.value.number);
    } else if (member.key == "seed" && is_whole) {
      sample.seed = static_cast<std::uint64_t>(member.value.number);
    } else {
      throw Error(where, "what \"" + member.key + "\" says is no sample", hint);
    }
  }
  if (sample.count == 0 || sample.count > kMostPoints) {
    throw Error(where, "a sample has from 1 to 100,000 draws", hint);
  }
  return sample;
}

std::vector<std::vector<Setting>> combine(const std::vector<Axis>& axes,
                                          const std::optional<Sample>& sample) {
  return sample ? draw(axes, *sample) : product(axes);
}

}  // namespace moesim::experiments
