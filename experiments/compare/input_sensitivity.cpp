// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/input_sensitivity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

constexpr std::array<const char*, 3> kSections = {"model", "cluster", "comm"};
constexpr std::array<std::string_view, 5> kPlainSizes = {
    "hidden_size", "intermediate_size", "moe_intermediate_size", "shared_expert_intermediate_size",
    "vocab_size"};
constexpr std::array<std::string_view, 3> kPlainCounts = {"num_sms", "comm_sms", "reserved_sms"};
constexpr std::array<std::string_view, 6> kPlainReals = {
    "achievable_memory_fraction", "roofline_exponent",   "oversubscription",
    "scale_up_latency_share",     "scale_up_efficiency", "network_efficiency"};

bool is_in(const auto& names, std::string_view key) {
  return std::find(names.begin(), names.end(), key) != names.end();
}

// To six digits, for people.
double rounded(double number) { return std::stod(fmt::format("{:.6g}", number)); }

std::string text_of(const JsonValue& value) {
  return value.kind == JsonValue::Kind::string ? value.text : to_text(value);
}

// The quantity times `factor`; none where the text is no quantity, or 0.
template <class Q>
std::optional<std::string> scaled_as(Q (*parse)(std::string_view), const std::string& text,
                                     double factor) {
  try {
    const Q quantity = parse(text);
    if (quantity.value == 0) return std::nullopt;
    return base::to_text(Q(rounded(quantity.value * factor)));
  } catch (const base::Error&) {
    return std::nullopt;
  }
}

std::optional<std::string> scaled_quantity(const std::string& text, double factor) {
  if (auto scaled = scaled_as(base::parse_seconds, text, factor)) return scaled;
  if (auto scaled = scaled_as(base::parse_bytes, text, factor)) return scaled;
  if (auto scaled = scaled_as(base::parse_bytes_per_second, text, factor)) return scaled;
  return scaled_as(base::parse_flops_per_second, text, factor);
}

std::optional<JsonValue> scaled(std::string_view key, const JsonValue& value, double factor) {
  if (value.kind == JsonValue::Kind::string) {
    if (const auto text = scaled_quantity(value.text, factor)) return base::json_of(*text);
    return std::nullopt;
  }
  if (value.kind != JsonValue::Kind::number || value.number == 0) return std::nullopt;
  if (is_in(kPlainReals, key)) return base::json_of(rounded(value.number * factor));
  if (!is_in(kPlainSizes, key) && !is_in(kPlainCounts, key)) return std::nullopt;
  const double away =
      factor > 1 ? std::ceil(value.number * factor) : std::floor(value.number * factor);
  return base::json_of(static_cast<std::int64_t>(away));
}

struct Varied {
  std::string key;
  const JsonValue* value = nullptr;
};

void collect(const std::string& prefix, const JsonValue& value, std::vector<Varied>& found) {
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    collect(prefix + "." + std::to_string(i), value.items[i], found);
  }
  for (const base::JsonMember& member : value.members) {
    if (member.key == "sources" || member.key == "name" || member.key == "preset") continue;
    const std::string key = prefix + "." + member.key;
    if (scaled(member.key, member.value, kVariation)) found.push_back({key, &member.value});
    collect(key, member.value, found);
  }
}

std::vector<Varied> varied_numbers(const Subject& subject) {
  std::vector<Varied> found;
  for (const std::string section : kSections) {
    const bool is_of_jobs = section != "cluster" && !subject.experiment.scenario.jobs.empty();
    const JsonValue* value = subject.config.find(section);
    if (value != nullptr && !is_of_jobs) collect(section, *value, found);
  }
  return found;
}

InputEffect effect_of(const Subject& subject, const Varied& varied, double factor,
                      WhatIf& what_if) {
  const std::string_view last = std::string_view(varied.key).substr(varied.key.rfind('.') + 1);
  const JsonValue changed = *scaled(last, *varied.value, factor);
  JsonValue document = subject.config;
  base::set_json_at(document, varied.key, changed, "sensitivity");
  base::ReadReport report;
  const Experiment variant = read_experiment(document, report);
  const double step = what_if.step_time({});
  return {varied.key, text_of(*varied.value), text_of(changed),
          what_if.step_time_as(variant.scenario) / step - 1};
}

}  // namespace

void describe(base::FieldTable& table, InputEffect& effect) {
  table.title("input_effect", "A number of the input, varied by itself.");
  table.field("key", effect.key, "Dotted key.");
  table.field("from", effect.from, "Its value.");
  table.field("to", effect.to, "The value it was given.");
  table.field("relative", effect.relative, "Step time with that / step time - 1.");
}

void describe(base::FieldTable& table, InputSensitivity& sensitivity) {
  table.title("input_sensitivity", "Which numbers of the input the step time hangs on.");
  table.field("effects", sensitivity.effects, "Every number that was varied.");
  table.field("without_effect", sensitivity.without_effect,
              "Keys that change the step time by less than 0.1 %.");
  table.field("not_varied", sensitivity.not_varied, "Keys that could not be varied, and why.");
}

InputSensitivity input_sensitivity(const Subject& subject, WhatIf& what_if) {
  InputSensitivity sensitivity;
  for (const Varied& varied : varied_numbers(subject)) {
    try {
      sensitivity.effects.push_back(effect_of(subject, varied, kVariation, what_if));
    } catch (const base::Error&) {
      try {
        sensitivity.effects.push_back(effect_of(subject, varied, 1 / kVariation, what_if));
      } catch (const base::Error& error) {
        sensitivity.not_varied.push_back(varied.key + ": " + error.message());
      }
    }
  }
  std::stable_sort(sensitivity.effects.begin(), sensitivity.effects.end(),
                   [](const InputEffect& a, const InputEffect& b) {
                     return std::abs(a.relative) > std::abs(b.relative);
                   });
  for (const InputEffect& effect : sensitivity.effects) {
    if (std::abs(effect.relative) < kNoEffect) sensitivity.without_effect.push_back(effect.key);
  }
  return sensitivity;
}

}  // namespace moesim::experiments
