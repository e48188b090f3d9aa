// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/exclusions.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;

constexpr const char* kHint =
    "\"exclude\": [{\"where\": {\"a.b\": 1, \"c.d\": {\"above\": 2}}, \"reason\": \"...\"}]";

struct Bound {
  const char* name;
  bool (*holds)(double value, double bound);
};
constexpr std::array<Bound, 4> kBounds = {
    {{"above", [](double value, double bound) { return value > bound; }},
     {"at_least", [](double value, double bound) { return value >= bound; }},
     {"below", [](double value, double bound) { return value < bound; }},
     {"at_most", [](double value, double bound) { return value <= bound; }}}};

const Bound* bound_named(const std::string& name) {
  const auto found = std::find_if(kBounds.begin(), kBounds.end(),
                                  [&](const Bound& bound) { return name == bound.name; });
  return found == kBounds.end() ? nullptr : found;
}

bool are_equal(const JsonValue& a, const JsonValue& b) {
  if (a.kind == JsonValue::Kind::number && b.kind == JsonValue::Kind::number) {
    return a.number == b.number;
  }
  return base::to_text(a, base::JsonStyle::compact) == base::to_text(b, base::JsonStyle::compact);
}

// Conditions are objects of any_of or bounds; swept values are hardly ever objects.
bool is_condition(const JsonValue& value) {
  return value.kind == JsonValue::Kind::object && !value.members.empty() &&
         (value.members.front().key == "any_of" || bound_named(value.members.front().key));
}

void check_condition(const JsonValue& condition, const std::string& where) {
  if (!is_condition(condition)) return;
  for (const base::JsonMember& member : condition.members) {
    const bool is_list = member.key == "any_of" && member.value.kind == JsonValue::Kind::array;
    const bool is_bound =
        bound_named(member.key) != nullptr && member.value.kind == JsonValue::Kind::number;
    if (!is_list && !is_bound) throw Error(where, "\"" + member.key + "\" is no condition", kHint);
  }
}

bool holds(const JsonValue& condition, const JsonValue& value) {
  if (!is_condition(condition)) return are_equal(condition, value);
  return std::all_of(
      condition.members.begin(), condition.members.end(), [&](const base::JsonMember& member) {
        if (member.key == "any_of") {
          return std::any_of(member.value.items.begin(), member.value.items.end(),
                             [&](const JsonValue& item) { return are_equal(item, value); });
        }
        return value.kind == JsonValue::Kind::number &&
               bound_named(member.key)->holds(value.number, member.value.number);
      });
}

}  // namespace

Exclusions::Exclusions(const JsonValue* sweep, const std::vector<std::string>& swept_keys) {
  const JsonValue* list = sweep != nullptr ? sweep->find("exclude") : nullptr;
  if (list == nullptr) return;
  const std::string at = list->place.text() + "  /sweep/exclude";
  if (list->kind != JsonValue::Kind::array) throw Error(at, "expected a list of objects", kHint);
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const JsonValue& item = list->items[i];
    const std::string where = item.place.text() + "  /sweep/exclude/" + std::to_string(i);
    const JsonValue* conditions = item.find("where");
    const JsonValue* reason = item.find("reason");
    if (conditions == nullptr || conditions->members.empty() || item.members.size() != 2) {
      throw Error(where, "expected \"where\" and \"reason\"", kHint);
    }
    if (reason == nullptr || reason->kind != JsonValue::Kind::string || reason->text.empty()) {
      throw Error(where, "says no reason", kHint);
    }
    Exclusion& exclusion = exclusions_.emplace_back();
    exclusion.reason = reason->text;
    for (const base::JsonMember& member : conditions->members) {
      if (std::find(swept_keys.begin(), swept_keys.end(), member.key) == swept_keys.end()) {
        const std::string near = base::did_you_mean(member.key, swept_keys);
        throw Error(where, member.key + " is not swept", near.empty() ? "name a swept key" : near);
      }
      check_condition(member.value, where);
      exclusion.where.emplace_back(member.key, member.value);
    }
  }
}

std::string Exclusions::reason(const std::map<std::string, JsonValue>& swept) const {
  for (const Exclusion& exclusion : exclusions_) {
    const bool all =
        std::all_of(exclusion.where.begin(), exclusion.where.end(), [&](const auto& condition) {
          const auto value = swept.find(condition.first);
          return value != swept.end() && holds(condition.second, value->second);
        });
    if (all) return exclusion.reason;
  }
  return {};
}

}  // namespace moesim::experiments
