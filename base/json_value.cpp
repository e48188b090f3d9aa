// SPDX-License-Identifier: Apache-2.0
#include "base/json_value.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/error.h"

namespace moesim::base {
namespace {

constexpr int kMaximumPathKeys = 64;  // the parser's own limit of depth

JsonValue of_kind(JsonValue::Kind kind) {
  JsonValue value;
  value.kind = kind;
  return value;
}

const char* kind_name(JsonValue::Kind kind) {
  switch (kind) {
    case JsonValue::Kind::null:
      return "null";
    case JsonValue::Kind::boolean:
      return "true or false";
    case JsonValue::Kind::number:
      return "a number";
    case JsonValue::Kind::string:
      return "a string";
    case JsonValue::Kind::array:
      return "a list";
    case JsonValue::Kind::object:
      return "an object";
  }
  return "unknown";
}

// All that a flag's text holds stands at the flag, not at a line of a file.
void forget_lines(JsonValue& value) {
  value.place.line = value.place.column = 0;
  for (JsonValue& item : value.items) forget_lines(item);
  for (JsonMember& member : value.members) {
    member.place.line = member.place.column = 0;
    forget_lines(member.value);
  }
}

// The value that the text after '=' stands for.
JsonValue flag_value(const std::string& text, const std::string& flag) {
  const std::size_t first = text.find_first_not_of(" \t");
  const bool is_structure =
      first != std::string::npos && (text[first] == '{' || text[first] == '[');
  try {
    return parse_json(text, flag);
  } catch (const Error& error) {
    if (is_structure) throw Error(flag, error.message(), error.hint());
  }
  // A bare word: the same checks (UTF-8, no control characters) hold for it as in a file.
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  try {
    return parse_json(quoted + "\"", flag);
  } catch (const Error& error) {
    throw Error(flag, error.message(), error.hint());
  }
}

// The item of `list` that `key` counts from 0.
JsonValue& item_of(JsonValue& list, const std::string& key, const std::string& flag) {
  const bool is_number =
      !key.empty() && key.size() <= 9 && key.find_first_not_of("0123456789") == std::string::npos;
  if (is_number && std::stoul(key) < list.items.size()) return list.items[std::stoul(key)];
  throw Error(
      flag, "the list has " + std::to_string(list.items.size()) + " items, and no \"" + key + "\"",
      "items are counted from 0: jobs.1.start");
}

}  // namespace

std::string Place::text() const {
  if (origin == nullptr) return {};
  if (line == 0) return *origin;
  return *origin + ":" + std::to_string(line) + ":" + std::to_string(column);
}

bool Place::is_override() const { return origin != nullptr && line == 0; }

const JsonValue* JsonValue::find(std::string_view key) const {
  const auto member = std::find_if(members.begin(), members.end(),
                                   [&](const JsonMember& m) { return m.key == key; });
  return member == members.end() ? nullptr : &member->value;
}

JsonValue* JsonValue::find(std::string_view key) {
  return const_cast<JsonValue*>(static_cast<const JsonValue*>(this)->find(key));
}

JsonValue json_of(bool value) {
  JsonValue json = of_kind(JsonValue::Kind::boolean);
  json.boolean = value;
  return json;
}

JsonValue json_of(double value) {
  CHECK(std::isfinite(value), "JSON has no infinities and no NaN");
  JsonValue json = of_kind(JsonValue::Kind::number);
  json.number = value;
  return json;
}

JsonValue json_of(std::int64_t value) {
  JsonValue json = json_of(static_cast<double>(value));
  json.integral = true;
  json.text = std::to_string(value);
  return json;
}

JsonValue json_of(std::uint64_t value) {
  JsonValue json = json_of(static_cast<double>(value));
  json.integral = value <= static_cast<std::uint64_t>(INT64_MAX);
  json.text = std::to_string(value);
  return json;
}

JsonValue json_of(int value) { return json_of(static_cast<std::int64_t>(value)); }

JsonValue json_of(std::string value) {
  JsonValue json = of_kind(JsonValue::Kind::string);
  json.text = std::move(value);
  return json;
}

JsonValue json_of(const char* value) { return json_of(std::string(value)); }

JsonValue json_array() { return of_kind(JsonValue::Kind::array); }

JsonValue json_object() { return of_kind(JsonValue::Kind::object); }

JsonValue& add_member(JsonValue& object, std::string key, JsonValue value) {
  CHECK(object.kind == JsonValue::Kind::object, "members belong to objects");
  CHECK(object.find(key) == nullptr, "the key " + key + " is already there");
  Place place = value.place;
  object.members.push_back({std::move(key), std::move(place), std::move(value)});
  return object.members.back().value;
}

void merge_json(JsonValue& target, const JsonValue& patch) {
  if (target.kind != JsonValue::Kind::object || patch.kind != JsonValue::Kind::object) {
    target = patch;
    return;
  }
  target.place = patch.place;
  for (const JsonMember& member : patch.members) {
    const auto old =
        std::find_if(target.members.begin(), target.members.end(),
                     [&](const JsonMember& candidate) { return candidate.key == member.key; });
    if (old == target.members.end()) {
      target.members.push_back(member);
    } else {
      merge_json(old->value, member.value);
      old->place = member.place;
    }
  }
}

void set_json_at(JsonValue& root, std::string_view path, JsonValue value, const std::string& flag) {
  JsonValue* node = &root;
  Place place;
  place.origin = std::make_shared<const std::string>(flag);
  if (std::count(path.begin(), path.end(), '.') >= kMaximumPathKeys) {
    throw Error(flag, "the path has more than 64 keys");
  }
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t dot = std::min(path.find('.', start), path.size());
    const std::string key(path.substr(start, dot - start));
    if (key.empty()) {
      throw Error(flag, "the path \"" + std::string(path) + "\" has an empty key",
                  "separate keys by single dots: router.capacity_factor");
    }
    start = dot + 1;
    if (node->kind == JsonValue::Kind::array) {
      node = &item_of(*node, key, flag);
      continue;
    }
    if (node->kind == JsonValue::Kind::null) {
      *node = json_object();
      node->place = place;
    }
    if (node->kind != JsonValue::Kind::object) {
      const std::size_t begin = dot - key.size();
      const std::string parent(path.substr(0, begin == 0 ? 0 : begin - 1));
      throw Error(flag, "\"" + key + "\" cannot be set: \"" + parent + "\" is " +
                            kind_name(node->kind) + ", not an object");
    }
    if (node->find(key) == nullptr) node->members.push_back({key, place, JsonValue{}});
    node = node->find(key);
  }
  *node = std::move(value);
}

void set_json(JsonValue& root, const std::string& assignment) {
  const std::string flag = "--set " + assignment;
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(flag, "expected key=value", "write --set router.capacity_factor=1.25");
  }
  JsonValue value = flag_value(assignment.substr(equals + 1), flag);
  forget_lines(value);
  set_json_at(root, std::string_view(assignment).substr(0, equals), std::move(value), flag);
}

}  // namespace moesim::base
