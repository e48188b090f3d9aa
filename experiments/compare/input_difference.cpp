// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/input_difference.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "experiments/sweep/axes.h"
#include "experiments/sweep/identity.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

constexpr std::array<std::string_view, 4> kSaysNothing = {"name", "preset", "hf_config", "sources"};
constexpr std::array<std::string_view, 2> kOfFiles = {"extends", "outputs"};

bool is_in(const auto& names, std::string_view key) {
  return std::find(names.begin(), names.end(), key) != names.end();
}

const JsonValue& value_or_null(const JsonValue* value) {
  static const JsonValue null;
  return value != nullptr ? *value : null;
}

class Walk {
 public:
  void compare(const std::string& key, const JsonValue* a, const JsonValue* b) {
    const JsonValue& left = value_or_null(a);
    const JsonValue& right = value_or_null(b);
    const bool are_objects = holds(JsonValue::Kind::object, left, right);
    const bool are_lists = left.kind == JsonValue::Kind::array && right.kind == left.kind &&
                           left.items.size() == right.items.size();
    if (are_objects) {
      compare_members(key, left, right);
    } else if (are_lists) {
      for (std::size_t i = 0; i < left.items.size(); ++i) {
        compare(key + "." + std::to_string(i), &left.items[i], &right.items[i]);
      }
    } else if (to_text(left) != to_text(right)) {
      found_.push_back({key, left, right});
    }
  }

  std::vector<InputDifference> take() { return std::move(found_); }

 private:
  // Of that kind, or absent on one side.
  static bool holds(JsonValue::Kind kind, const JsonValue& left, const JsonValue& right) {
    const auto fits = [kind](const JsonValue& value) {
      return value.kind == kind || value.kind == JsonValue::Kind::null;
    };
    return fits(left) && fits(right) && (left.kind == kind || right.kind == kind);
  }

  // Keys of either, those of `left` first.
  void compare_members(const std::string& key, const JsonValue& left, const JsonValue& right) {
    const auto skipped = [&](const std::string& member) {
      if (!key.empty()) return is_in(kSaysNothing, member);
      return is_in(kOfFiles, member) || is_for_people(member);
    };
    const std::string prefix = key.empty() ? "" : key + ".";
    for (const base::JsonMember& member : left.members) {
      if (skipped(member.key)) continue;
      compare(prefix + member.key, &member.value, right.find(member.key));
    }
    for (const base::JsonMember& member : right.members) {
      if (skipped(member.key) || left.find(member.key) != nullptr) continue;
      compare(prefix + member.key, nullptr, &member.value);
    }
  }

  std::vector<InputDifference> found_;
};

std::string section_of(const std::string& key) { return key.substr(0, key.find('.')); }

}  // namespace

void describe(base::FieldTable& table, InputDifference& difference) {
  table.title("input_difference", "A key whose values differ.");
  table.field("key", difference.key, "Dotted key.");
  table.field("a", difference.a, "The value in A; null where it has no effect.");
  table.field("b", difference.b, "The value in B.");
}

std::vector<InputDifference> input_differences(const JsonValue& a, const JsonValue& b) {
  Walk walk;
  walk.compare("", &a, &b);
  return walk.take();
}

std::vector<std::string> sections_of(const std::vector<InputDifference>& differences) {
  std::vector<std::string> sections;
  for (const InputDifference& difference : differences) {
    const std::string section = section_of(difference.key);
    if (!is_in(sections, section)) sections.push_back(section);
  }
  return sections;
}

std::vector<std::string> keys_of_chance(const std::vector<InputDifference>& differences,
                                        bool gate_is_trained) {
  std::vector<std::string> keys;
  for (const InputDifference& difference : differences) {
    const std::string& key = difference.key;
    const auto is_of = [&](const std::string& section) {
      return section_of(key) == section || key.find("." + section + ".") != std::string::npos;
    };
    const bool is_of_gate = gate_is_trained && is_of("router");
    if (is_of("routing") || is_of_gate || is_seed(key)) {
      keys.push_back(key);
    }
  }
  return keys;
}

}  // namespace moesim::experiments
