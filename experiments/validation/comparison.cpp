// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/json_value.h"
#include "base/units.h"

namespace moesim::experiments {
namespace {

double measured_value(const MeasuredCase& measured) {
  return measured.time ? measured.time->value : measured.bandwidth->value;
}

const char* unit_key(const MeasuredCase& measured) { return measured.time ? "time_s" : "Bps"; }

// "1.403 ms", "153 GB/s": four digits, which is more than any source gives.
std::string in_words(const MeasuredCase& measured, double value) {
  if (!measured.time) return fmt::format("{:.4g} GB/s", value / 1e9);
  if (value >= 1) return fmt::format("{:.4g} s", value);
  return value >= 1e-3 ? fmt::format("{:.4g} ms", value * 1e3)
                       : fmt::format("{:.4g} us", value * 1e6);
}

std::string trust_name(Trust trust) {
  for (const auto& [value, name] : names_of(Trust{})) {
    if (value == trust) return name;
  }
  return {};
}

template <class Filter>
ErrorSummary summary_of(const std::vector<CaseComparison>& cases, const Filter& wanted) {
  std::vector<double> errors;
  for (const CaseComparison& one : cases) {
    if (wanted(one.measured)) errors.push_back(std::abs(one.error()));
  }
  return summarise(std::move(errors));
}

std::string percent_cell(const ErrorSummary& summary, double value) {
  return summary.cases == 0 ? "" : fmt::format("{:.1f} %", 100 * value);
}

base::JsonValue json_of_summary(const ErrorSummary& summary) {
  base::JsonValue object = base::json_object();
  base::add_member(object, "cases", base::json_of(summary.cases));
  base::add_member(object, "median_error", base::json_of(summary.median));
  base::add_member(object, "p90_error", base::json_of(summary.p90));
  return object;
}

base::JsonValue json_of_case(const CaseComparison& one) {
  const std::string unit = unit_key(one.measured);
  base::JsonValue object = base::json_object();
  base::add_member(object, "id", base::json_of(one.measured.id));
  base::add_member(object, "measured_" + unit, base::json_of(measured_value(one.measured)));
  base::add_member(object, "predicted_" + unit, base::json_of(one.predicted));
  base::add_member(object, "error", base::json_of(one.error()));
  base::add_member(object, "trust", base::json_of(trust_name(one.measured.trust)));
  base::add_member(object, "held_out", base::json_of(one.measured.held_out));
  return object;
}

}  // namespace

ErrorSummary summarise(std::vector<double> errors) {
  ErrorSummary summary;
  summary.cases = static_cast<int>(errors.size());
  if (errors.empty()) return summary;
  std::sort(errors.begin(), errors.end());
  const std::size_t n = errors.size();
  summary.median = (errors[(n - 1) / 2] + errors[n / 2]) / 2;
  summary.p90 = errors[(9 * n + 9) / 10 - 1];
  return summary;
}

double CaseComparison::error() const { return predicted / measured_value(measured) - 1; }

ErrorSummary SeriesComparison::summary(Trust trust) const {
  return summary_of(cases, [trust](const MeasuredCase& one) { return one.trust == trust; });
}

ErrorSummary SeriesComparison::held_out_summary() const {
  return summary_of(cases,
                    [](const MeasuredCase& one) { return one.trust == Trust::a && one.held_out; });
}

bool SeriesComparison::keeps_promise() const {
  const ErrorSummary judged = summary(Trust::a);
  return !promised_median || judged.cases == 0 || judged.median <= *promised_median;
}

SeriesComparison compare(const Series& series, sim::Fidelity fidelity, int num_threads,
                         const CasesDone& progress) {
  const SeriesModel model(series, num_threads);
  std::vector<std::size_t> all(model.cases().size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const std::vector<double> ratios =
      model.time_ratios(protocol_of(series), fidelity, all, progress);
  SeriesComparison comparison;
  comparison.name = series.name;
  comparison.title = series.title;
  comparison.promised_median = series.promised_median;
  comparison.fitted_numbers = static_cast<int>(series.fitted.size());
  comparison.is_table = !series.table.empty();
  for (const std::size_t index : all) {
    const MeasuredCase& measured = model.cases()[index];
    const double ratio = measured.time ? ratios[index] : 1 / ratios[index];
    comparison.cases.push_back({measured, measured_value(measured) * ratio});
  }
  return comparison;
}

std::string case_lines(const SeriesComparison& comparison) {
  std::size_t width = 4;
  for (const CaseComparison& one : comparison.cases) {
    width = std::max(width, one.measured.id.size());
  }
  std::string text = fmt::format("{}: {}\n  {:<{}} {:>13} {:>13} {:>8}\n", comparison.name,
                                 comparison.title, "case", width, "measured", "predicted", "error");
  for (const CaseComparison& one : comparison.cases) {
    text += fmt::format("  {:<{}} {:>13} {:>13} {:>+6.1f} % {}{}\n", one.measured.id, width,
                        in_words(one.measured, measured_value(one.measured)),
                        in_words(one.measured, one.predicted), 100 * one.error(),
                        trust_name(one.measured.trust), one.measured.held_out ? " held out" : "");
  }
  return text;
}

namespace {

std::string summary_row(const SeriesComparison& one) {
  const ErrorSummary a = one.summary(Trust::a);
  const ErrorSummary held = one.held_out_summary();
  const ErrorSummary b = one.summary(Trust::b);
  const std::string promise =
      one.promised_median ? fmt::format("{:.0f} %", 100 * *one.promised_median) : "";
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n", one.name,
                     one.fitted_numbers, a.cases, percent_cell(a, a.median), percent_cell(a, a.p90),
                     held.cases, percent_cell(held, held.median), b.cases,
                     percent_cell(b, b.median), promise);
}

// All cases as if they were one series.
SeriesComparison together(const std::vector<SeriesComparison>& comparisons, const std::string& name,
                          bool with_tables) {
  SeriesComparison all;
  all.name = name;
  for (const SeriesComparison& one : comparisons) {
    if (one.is_table && !with_tables) continue;
    all.fitted_numbers += one.fitted_numbers;
    all.cases.insert(all.cases.end(), one.cases.begin(), one.cases.end());
  }
  return all;
}

}  // namespace

std::string summary_table(const std::vector<SeriesComparison>& comparisons) {
  std::string text =
      "| series | fitted | trust A | median | p90 | held out | median | trust B | median | "
      "promised "
      "|\n|---|---|---|---|---|---|---|---|---|---|\n";
  for (const SeriesComparison& one : comparisons) text += summary_row(one);
  text += summary_row(together(comparisons, "all cases", true));
  return text + summary_row(together(comparisons, "without tables", false));
}

std::string comparison_json(const std::vector<SeriesComparison>& comparisons) {
  base::JsonValue list = base::json_array();
  for (const SeriesComparison& one : comparisons) {
    base::JsonValue object = base::json_object();
    base::add_member(object, "series", base::json_of(one.name));
    base::add_member(object, "title", base::json_of(one.title));
    for (const auto& [trust, name] : names_of(Trust{})) {
      base::add_member(object, "trust_" + name, json_of_summary(one.summary(trust)));
    }
    base::add_member(object, "held_out", json_of_summary(one.held_out_summary()));
    base::add_member(object, "keeps_promise", base::json_of(one.keeps_promise()));
    base::JsonValue cases = base::json_array();
    for (const CaseComparison& each : one.cases) cases.items.push_back(json_of_case(each));
    base::add_member(object, "cases", std::move(cases));
    list.items.push_back(std::move(object));
  }
  return base::to_text(list) + "\n";
}

}  // namespace moesim::experiments
