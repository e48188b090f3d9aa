// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/attribution.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "experiments/compare/shapley.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

// The section of `from` in the place of `target`'s, or none where `from` has none.
void take_section(JsonValue& target, const JsonValue& from, const std::string& section) {
  std::erase_if(target.members,
                [&](const base::JsonMember& member) { return member.key == section; });
  if (const JsonValue* value = from.find(section)) base::add_member(target, section, *value);
}

Experiment mixture_of(const Subject& a, const Subject& b, const std::vector<std::string>& sections,
                      unsigned of_b) {
  JsonValue document = a.config;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if ((of_b >> i & 1U) != 0) take_section(document, b.config, sections[i]);
  }
  base::ReadReport report;
  Experiment experiment = read_experiment(document, report);
  sim::validate(experiment.scenario);
  return experiment;
}

std::string names_of_sections(const std::vector<std::string>& sections, unsigned set) {
  std::string names;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if ((set >> i & 1U) != 0) names += (names.empty() ? "" : ", ") + sections[i];
  }
  return names;
}

}  // namespace

std::vector<double> parts_by_cause(WhatIf& what_if) {
  const double step = what_if.step_time({});
  return shapley_parts(static_cast<int>(kCauses.size()), [&](unsigned absent) {
    sim::Counterfactual counterfactual;
    for (std::size_t i = 0; i < kCauses.size(); ++i) {
      counterfactual.*kCauses[i].absent = (absent >> i & 1U) != 0;
    }
    return step - what_if.step_time(counterfactual);
  });
}

std::vector<double> step_times_without(WhatIf& what_if) {
  std::vector<double> times;
  for (const Cause& cause : kCauses) {
    sim::Counterfactual counterfactual;
    counterfactual.*cause.absent = true;
    times.push_back(what_if.step_time(counterfactual));
  }
  return times;
}

SectionParts parts_by_section(const Subject& a, const Subject& b,
                              const std::vector<std::string>& sections, RoutedSteps& batches) {
  SectionParts done;
  if (sections.size() > kMostSections) {
    done.not_done = fmt::format("{} sections differ, and all mixtures of more than {} are too many",
                                sections.size(), kMostSections);
    return done;
  }
  unsigned of_b = 0;
  try {
    done.parts = shapley_parts(static_cast<int>(sections.size()), [&](unsigned set) {
      of_b = set;
      const Experiment mixture = mixture_of(a, b, sections, set);
      return WhatIf(mixture.scenario, batches).step_time({});
    });
  } catch (const base::Error& error) {
    done.parts.clear();
    done.not_done = "A with the " + names_of_sections(sections, of_b) +
                    " of B cannot be: " + error.where() + ": " + error.message();
  }
  return done;
}

}  // namespace moesim::experiments
