// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/named_table.h"
#include "experiments/compare/page.h"
#include "experiments/compare/point_comparison.h"

namespace moesim::experiments {
namespace {

constexpr std::size_t kWidestKey = 44;
constexpr std::size_t kMostInputs = 24;  // lines; the rest is counted
// What rounding can leave of nothing, as a share of the step.
constexpr double kNothing = 1e-9;

std::string value_text(const base::JsonValue& value) {
  if (value.kind == base::JsonValue::Kind::null) return "-";
  if (value.kind == base::JsonValue::Kind::string) return value.text.empty() ? "-" : value.text;
  return to_text(value, base::JsonStyle::compact);
}

void add_inputs(const PointComparison& c, Page& page) {
  if (c.inputs.empty()) {
    page.line("inputs: no difference");
    return;
  }
  page.line("inputs that differ");
  for (std::size_t i = 0; i < std::min(c.inputs.size(), kMostInputs); ++i) {
    const InputDifference& input = c.inputs[i];
    page.line("  {:<{}} {:>22} {:>22}", input.key, kWidestKey, value_text(input.a),
              value_text(input.b));
  }
  if (c.inputs.size() > kMostInputs) {
    page.line("  ... and {} more (--json has all)", c.inputs.size() - kMostInputs);
  }
}

std::string number_text(const std::optional<double>& number) {
  return number ? fmt::format("{:.6g}", *number) : "-";
}

void add_figures(const PointComparison& c, Page& page) {
  page.line("");
  page.line("{:<32} {:>14} {:>14} {:>14} {:>10}", "results", "A", "B", "B - A", "relative");
  for (const FigureDifference& f : c.figures) {
    if (!f.a && !f.b) continue;
    page.line("  {:<30} {:>14} {:>14} {:>14} {:>10}", f.figure, number_text(f.a), number_text(f.b),
              f.difference ? fmt::format("{:+.6g}", *f.difference) : "-",
              f.relative ? fmt::format("{:+.2f} %", *f.relative * 100) : "-");
  }
  const auto tier = [](const std::string& name) { return name.empty() ? "none" : name; };
  page.line("  {:<30} {:>14} {:>14}", "deciding_tier", tier(c.a_deciding_tier),
            tier(c.b_deciding_tier));
  if (sim::is_roofline(c.a_cost_source) && sim::is_roofline(c.b_cost_source)) return;
  page.line("  compute times of A: {}", c.a_cost_source);
  page.line("  compute times of B: {}", c.b_cost_source);
}

std::string share_text(double part, double whole) {
  if (std::abs(whole) < 1e-15) return "-";
  return fmt::format("{:.1f} %", part / whole * 100 + 0.0);  // no -0.0
}

void add_causes(const PointComparison& c, Page& page) {
  page.line("");
  page.line("{:<32} {:>14} {:>14} {:>14} {:>10}", "why: parts of the step, by cause", "A", "B",
            "B - A", "of it");
  CausePart sum{"sum", 0, 0, 0};
  for (const CausePart& part : c.causes) {
    sum.a_s += part.a_s;
    sum.b_s += part.b_s;
    sum.difference_s += part.difference_s;
  }
  const auto row = [&](CausePart part) {
    for (double* time : {&part.a_s, &part.b_s, &part.difference_s}) {
      if (std::abs(*time) < kNothing * std::max(sum.a_s, sum.b_s)) *time = 0;
    }
    page.line("  {:<30} {:>14} {:>14} {:>14} {:>10}", part.cause, time_text(part.a_s),
              time_text(part.b_s), time_text(part.difference_s, true),
              share_text(part.difference_s, sum.difference_s));
  };
  for (const CausePart& part : c.causes) row(part);
  row(sum);
}

void add_sections(const PointComparison& c, Page& page) {
  page.line("");
  if (!c.sections_not_done.empty()) {
    page.line("by section of the input: not done, {}", c.sections_not_done);
    return;
  }
  double sum = 0;
  for (const SectionPart& part : c.sections) sum += part.difference_s;
  page.line("{:<62} {:>14} {:>10}", "why: parts of the difference, by section of the input",
            "B - A", "of it");
  for (const SectionPart& part : c.sections) {
    page.line("  {:<60} {:>14} {:>10}", part.section, time_text(part.difference_s, true),
              share_text(part.difference_s, sum));
  }
}

}  // namespace

std::string comparison_page(const PointComparison& c) {
  Page page;
  page.line("A  {}", c.a);
  page.line("B  {}", c.b);
  for (const std::string& warning : c.warnings) page.line("warning: {}", warning);
  page.line("");
  add_inputs(c, page);
  add_figures(c, page);
  if (c.inputs.empty()) return page.text();
  add_causes(c, page);
  add_sections(c, page);
  page.line("");
  page.line("Parts are Shapley values over runs without the cause (docs/models.md, \"Compare and");
  page.line(
      "explain\"): below 0 where it saves time. They say where time goes, not what a fix gains.");
  return page.text();
}

}  // namespace moesim::experiments
