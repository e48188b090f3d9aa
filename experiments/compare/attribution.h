// SPDX-License-Identifier: Apache-2.0
// Step times shared out among causes and among sections of the input (docs/models.md, "Compare and
// explain").
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/compare/subject.h"
#include "experiments/compare/what_if.h"

namespace moesim::experiments {

// A thing that costs time, and the counterfactual in which it does not.
struct Cause {
  std::string_view name;
  bool sim::Counterfactual::*absent;
};
inline constexpr std::array<Cause, 5> kCauses = {{
    {"compute", &sim::Counterfactual::infinite_compute},
    {"network", &sim::Counterfactual::infinite_network},
    {"routing imbalance", &sim::Counterfactual::balanced_routing},
    {"capacity and drops", &sim::Counterfactual::no_capacity_limit},
    {"placement", &sim::Counterfactual::ideal_placement},
}};

// [kCauses] Seconds; they sum to the step time, since a step without any cause takes 0. Below 0
// where the cause saves time, as drops do.
std::vector<double> parts_by_cause(WhatIf& what_if);

// [kCauses] Seconds that the step would take without this cause alone.
std::vector<double> step_times_without(WhatIf& what_if);

// What each section of the input that differs has of the difference of two step times.
struct SectionParts {
  std::vector<double> parts;  // [sections] seconds, which sum to B's step time - A's
  std::string not_done;       // why there are none; "" where there are
};

inline constexpr std::size_t kMostSections = 4;

// Steps with some sections of A and the others of B are simulated: all mixtures of them.
SectionParts parts_by_section(const Subject& a, const Subject& b,
                              const std::vector<std::string>& sections, RoutedSteps& batches);

}  // namespace moesim::experiments
