// SPDX-License-Identifier: Apache-2.0
#include "experiments/compare/point_comparison.h"

#include <fmt/format.h>

#include "base/error.h"
#include "experiments/compare/attribution.h"

namespace moesim::experiments {
namespace {

using sim::Result;

FigureDifference figure(const char* name, std::optional<double> a, std::optional<double> b) {
  FigureDifference difference{name, a, b, {}, {}};
  if (!a || !b) return difference;
  difference.difference = *b - *a;
  if (*a != 0) difference.relative = *b / *a - 1;
  return difference;
}

std::vector<FigureDifference> figure_differences(const Result& a, const Result& b) {
  return {
      figure("step_time_s", a.step_time_s, b.step_time_s),
      figure("analytic_floor_s", a.analytic_floor_s, b.analytic_floor_s),
      figure("tokens_per_s", a.tokens_per_s, b.tokens_per_s),
      figure("mfu", a.mfu, b.mfu),
      figure("exposed_communication_s", a.exposed_communication_s, b.exposed_communication_s),
      figure("drop_rate", a.drop_rate, b.drop_rate),
      figure("expert_load.balancedness", a.expert_load.mean.balancedness,
             b.expert_load.mean.balancedness),
      figure("rank_load.balancedness", a.rank_load.mean.balancedness,
             b.rank_load.mean.balancedness),
      figure("validation_loss", a.validation_loss, b.validation_loss),
  };
}

// An error of one of two points says of which.
template <class Work>
auto of_side(const char* side, const Subject& subject, const Work& work) {
  try {
    return work();
  } catch (const base::Error& error) {
    throw base::Error(fmt::format("{} ({}): {}", side, subject.argument, error.where()),
                      error.message(), error.hint());
  }
}

void add_warnings_of(const char* side, const Result& result, PointComparison& comparison) {
  for (const std::string& warning : result.warnings) {
    comparison.warnings.push_back(std::string(side) + ": " + warning);
  }
}

void warn_of_age(const char* name, const Subject& subject, const Result& now,
                 PointComparison& comparison) {
  if (const auto warning = age_warning(subject, name, now.step_time_s, now.cost_source)) {
    comparison.warnings.push_back(*warning);
  }
}

bool trains_gate(const Subject& subject) {
  return subject.experiment.scenario.routing.source == sim::RoutingSourceKind::numerics;
}

void warn_of_chance(bool gate_is_trained, PointComparison& comparison) {
  const std::vector<std::string> keys = keys_of_chance(comparison.inputs, gate_is_trained);
  if (keys.empty()) return;
  comparison.warnings.push_back(
      "not the same batch, gate or routes: " + keys.front() +
      (keys.size() > 1 ? fmt::format(" and {} more keys differ", keys.size() - 1) : " differs") +
      "; try several seeds before you trust a small difference");
}

void add_causes(WhatIf& a, WhatIf& b, PointComparison& comparison) {
  const std::vector<double> parts_a = parts_by_cause(a);
  const std::vector<double> parts_b = parts_by_cause(b);
  for (std::size_t i = 0; i < kCauses.size(); ++i) {
    comparison.causes.push_back(
        {std::string(kCauses[i].name), parts_a[i], parts_b[i], parts_b[i] - parts_a[i]});
  }
}

void add_sections(const Subject& a, const Subject& b, RoutedSteps& batches,
                  PointComparison& comparison) {
  const std::vector<std::string> sections = sections_of(comparison.inputs);
  const SectionParts parts = parts_by_section(a, b, sections, batches);
  comparison.sections_not_done = parts.not_done;
  for (std::size_t i = 0; i < parts.parts.size(); ++i) {
    comparison.sections.push_back({sections[i], parts.parts[i]});
  }
}

}  // namespace

void describe(base::FieldTable& table, FigureDifference& difference) {
  table.title("figure_difference", "A figure of both points.");
  table.field("figure", difference.figure, "Result key.");
  table.field("a", difference.a, "In A; null where it has none.");
  table.field("b", difference.b, "In B.");
  table.field("difference", difference.difference, "b - a.");
  table.field("relative", difference.relative, "b / a - 1; null where a is 0.");
}

void describe(base::FieldTable& table, CausePart& part) {
  table.title("cause_part", "What a cause has of the two step times.");
  table.field("cause", part.cause, "The cause.");
  table.field("a_s", part.a_s, "Its part of A's step.");
  table.field("b_s", part.b_s, "Its part of B's step.");
  table.field("difference_s", part.difference_s, "b_s - a_s.");
}

void describe(base::FieldTable& table, SectionPart& part) {
  table.title("section_part", "What a section of the input has of the difference.");
  table.field("section", part.section, "The section.");
  table.field("difference_s", part.difference_s, "Its part of B's step time - A's.");
}

void describe(base::FieldTable& table, PointComparison& comparison) {
  table.title("point_comparison", "Two points side by side.");
  table.field("a", comparison.a, "A's experiment and point.");
  table.field("b", comparison.b, "B's experiment and point.");
  table.field("warnings", comparison.warnings, "What to know before trusting the rest.");
  table.field("inputs", comparison.inputs, "Keys whose values differ.");
  table.field("figures", comparison.figures, "Key figures of both.");
  table.field("a_deciding_tier", comparison.a_deciding_tier, "What A's collectives waited for.");
  table.field("b_deciding_tier", comparison.b_deciding_tier, "What B's collectives waited for.");
  table.field("a_cost_source", comparison.a_cost_source,
              "Where A's times of computation come from.");
  table.field("b_cost_source", comparison.b_cost_source,
              "Where B's times of computation come from.");
  table.field("causes", comparison.causes,
              "Shapley values over what-if runs; they sum to the step times.");
  table.field("sections", comparison.sections,
              "Shapley values over mixtures of the two inputs; they sum to the difference.");
  table.field("sections_not_done", comparison.sections_not_done, "Why there are no sections.");
}

PointComparison compare_points(const Subject& a, const Subject& b, const sim::RunOptions& options) {
  PointComparison comparison;
  comparison.a = a.title;
  comparison.b = b.title;
  comparison.inputs = input_differences(a.config, b.config);
  RoutedSteps batches(options);
  WhatIf what_if_a(a.experiment.scenario, batches);
  WhatIf what_if_b(b.experiment.scenario, batches);
  const Result& result_a = of_side("A", a, [&] { return what_if_a.figures(); });
  const Result& result_b = of_side("B", b, [&] { return what_if_b.figures(); });
  comparison.figures = figure_differences(result_a, result_b);
  comparison.a_cost_source = result_a.cost_source;
  comparison.b_cost_source = result_b.cost_source;
  comparison.a_deciding_tier = result_a.deciding_tier;
  comparison.b_deciding_tier = result_b.deciding_tier;
  warn_of_age("the run of A", a, result_a, comparison);
  warn_of_age("the run of B", b, result_b, comparison);
  warn_of_chance(trains_gate(a) || trains_gate(b), comparison);
  add_warnings_of("A", result_a, comparison);
  add_warnings_of("B", result_b, comparison);
  if (comparison.inputs.empty()) return comparison;
  add_causes(what_if_a, what_if_b, comparison);
  add_sections(a, b, batches, comparison);
  return comparison;
}

}  // namespace moesim::experiments
