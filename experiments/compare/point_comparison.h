// SPDX-License-Identifier: Apache-2.0
// Two points side by side: what differs in their inputs and results, and why one takes longer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "experiments/compare/input_difference.h"
#include "experiments/compare/subject.h"
#include "sim/run_options.h"

namespace moesim::experiments {

// One figure of both. A figure that a side does not have is null.
struct FigureDifference {
  std::string figure;  // result key: "step_time_s"
  std::optional<double> a;
  std::optional<double> b;
  std::optional<double> difference;  // b - a
  std::optional<double> relative;    // b / a - 1
};

// What a cause has of either step and of their difference.
struct CausePart {
  std::string cause;
  double a_s = 0;
  double b_s = 0;
  double difference_s = 0;  // b_s - a_s
};

struct SectionPart {
  std::string section;
  double difference_s = 0;
};

struct PointComparison {
  std::string a;  // titles
  std::string b;
  std::vector<std::string> warnings;
  std::vector<InputDifference> inputs;
  std::vector<FigureDifference> figures;
  std::string a_cost_source;  // where the times of computation come from
  std::string b_cost_source;
  std::string a_deciding_tier;
  std::string b_deciding_tier;
  std::vector<CausePart> causes;      // they sum to either step time, and to the difference
  std::vector<SectionPart> sections;  // they sum to the difference
  std::string sections_not_done;      // why `sections` is empty though inputs differ; else ""
};

void describe(base::FieldTable& table, PointComparison& comparison);

// Simulates what-if runs of both in child processes. `options` are those of the runs. Throws
// base::Error, with the side's name before what it says, and std::runtime_error where a child dies.
PointComparison compare_points(const Subject& a, const Subject& b, const sim::RunOptions& options);

// As a page of text: at most 100 columns where keys and values let it, ends in a newline.
std::string comparison_page(const PointComparison& comparison);

}  // namespace moesim::experiments
