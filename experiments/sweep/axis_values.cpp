// SPDX-License-Identifier: Apache-2.0
#include "experiments/sweep/axis_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "base/error.h"

namespace moesim::experiments {
namespace {

using base::Error;
using base::JsonValue;

constexpr double kMostValues = 100000;
// Rounding of range's and ratios' arithmetic.
constexpr double kClose = 1e-9;

// A number and what stands behind it: "8 GB/s" is 8 and " GB/s".
struct Amount {
  double number = 0;
  std::string unit;
  bool is_integer = false;
};

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(where, what,
              "write [1, 2], {\"range\": [first, last]}, {\"linear\": [first, last, count]} or "
              "{\"geometric\": [first, last, count]}");
}

Amount amount_of(const JsonValue& value, const std::string& where) {
  if (value.kind == JsonValue::Kind::number) {
    return {value.number, "", value.integral};
  }
  if (value.kind == JsonValue::Kind::string) {
    char* end = nullptr;
    const double number = std::strtod(value.text.c_str(), &end);
    if (end != value.text.c_str() && std::isfinite(number)) return {number, end, false};
  }
  fail(where,
       "expected a number or a quantity, found " + base::to_text(value, base::JsonStyle::compact));
}

// How a rule's numbers become values again.
struct Form {
  std::string unit;
  bool integers = false;  // integral values stand without a point
  bool rounds = false;

  JsonValue value(double number) const {
    if (rounds) number = std::round(number);
    const bool is_whole = std::abs(number - std::round(number)) <= kClose * std::abs(number);
    const bool whole = (integers || rounds) && is_whole && std::abs(number) < 1e15;
    const JsonValue plain = whole ? base::json_of(static_cast<std::int64_t>(std::llround(number)))
                                  : base::json_of(number);
    if (unit.empty()) return plain;
    return base::json_of(base::to_text(plain, base::JsonStyle::compact) + unit);
  }
};

struct Rule {
  std::string kind;
  double first = 0;
  double last = 0;
  double third = 0;  // step or count
  Form form;
};

struct RuleKind {
  const char* name;
  std::size_t least_numbers;
  std::size_t most_numbers;
};
constexpr std::array<RuleKind, 5> kKinds = {{{"range", 2, 3},
                                             {"linear", 3, 3},
                                             {"geometric", 3, 3},
                                             {"uniform", 2, 2},
                                             {"log_uniform", 2, 2}}};

void read_numbers(const JsonValue& list, const RuleKind& kind, const std::string& where,
                  Rule& rule) {
  const std::size_t count = list.items.size();
  if (list.kind != JsonValue::Kind::array || count < kind.least_numbers ||
      count > kind.most_numbers) {
    fail(where, std::string("\"") + kind.name + "\" takes a list of " +
                    std::to_string(kind.least_numbers) +
                    (kind.most_numbers > kind.least_numbers ? " or 3" : "") + " numbers");
  }
  const Amount first = amount_of(list.items[0], where);
  const Amount last = amount_of(list.items[1], where);
  if (first.unit != last.unit) fail(where, "both ends need the same unit");
  rule.first = first.number;
  rule.last = last.number;
  rule.form.unit = first.unit;
  rule.form.integers = first.is_integer && last.is_integer;
  rule.third = count == 3 ? amount_of(list.items[2], where).number : 1;
}

Rule read_rule(const JsonValue& object, const std::string& where) {
  Rule rule;
  for (const base::JsonMember& member : object.members) {
    const auto kind = std::find_if(kKinds.begin(), kKinds.end(),
                                   [&](const RuleKind& known) { return member.key == known.name; });
    if (kind != kKinds.end() && rule.kind.empty()) {
      rule.kind = kind->name;
      read_numbers(member.value, *kind, where, rule);
    } else if (member.key == "round" && member.value.kind == JsonValue::Kind::boolean) {
      rule.form.rounds = member.value.boolean;
    } else {
      std::vector<std::string> names = {"round"};
      for (const RuleKind& known : kKinds) names.emplace_back(known.name);
      const std::string near = base::did_you_mean(member.key, names);
      throw Error(where, "no rule \"" + member.key + "\" makes values",
                  near.empty() ? "write range, linear, geometric, uniform or log_uniform" : near);
    }
  }
  if (rule.kind.empty()) fail(where, "no rule makes values");
  return rule;
}

void check_rule(const Rule& rule, const std::string& where) {
  const bool is_log = rule.kind == "geometric" || rule.kind == "log_uniform";
  if (is_log && !(rule.first > 0 && rule.last > 0)) fail(where, "ratios need numbers above 0");
  const bool counts = rule.kind == "linear" || rule.kind == "geometric";
  if (counts &&
      !(rule.third >= 2 && rule.third <= kMostValues && rule.third == std::floor(rule.third))) {
    fail(where, "the count is a whole number from 2 to 100,000");
  }
  if (rule.kind == "range") {
    const double steps = (rule.last - rule.first) / rule.third;
    if (!(steps >= 0)) fail(where, "the step never leads from the first value to the last");
    if (steps >= kMostValues) fail(where, "the range has more than 100,000 values");
  }
  if (rule.kind.ends_with("uniform") && !(rule.first < rule.last)) {
    fail(where, "the first end must be below the second");
  }
}

double between(const Rule& rule, double u) {
  if (rule.kind == "geometric" || rule.kind == "log_uniform") {
    return rule.first * std::pow(rule.last / rule.first, u);
  }
  return rule.first + (rule.last - rule.first) * u;
}

// Without the last digits, which are rounding's: 4 instead of 3.9999999999999996.
double tidy(double number) { return std::stod(fmt::format("{:.13g}", number)); }

std::vector<JsonValue> listed(const Rule& rule) {
  std::vector<JsonValue> values;
  const auto add = [&](double number) {
    JsonValue value = rule.form.value(number);
    const bool again = rule.form.rounds && !values.empty() && values.back().text == value.text;
    if (!again) values.push_back(std::move(value));
  };
  if (rule.kind == "range") {
    const double steps = std::floor((rule.last - rule.first) / rule.third + kClose);
    for (double i = 0; i <= steps; ++i) add(tidy(rule.first + i * rule.third));
    return values;
  }
  add(rule.first);
  for (double i = 1; i < rule.third - 1; ++i) add(tidy(between(rule, i / (rule.third - 1))));
  add(rule.last);
  return values;
}

}  // namespace

AxisValues axis_values(const JsonValue& rule, const std::string& where) {
  if (rule.kind == JsonValue::Kind::array && !rule.items.empty()) return {rule.items, {}};
  if (rule.kind != JsonValue::Kind::object) fail(where, "expected a list of at least one value");
  const Rule read = read_rule(rule, where);
  check_rule(read, where);
  if (read.kind.ends_with("uniform")) {
    return {{}, [read](double u) { return read.form.value(between(read, u)); }};
  }
  AxisValues made{listed(read), {}};
  for (JsonValue& value : made.values) value.place = rule.place;
  return made;
}

}  // namespace moesim::experiments
