// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/compute_calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"

namespace moesim::experiments {
namespace {

using sim::CostTable;
using sim::ErrorFigures;
using sim::KernelTable;

bool is_foreign(const LatencyRow& row, const CostTable& table) {
  return !table.engine.empty() && row.engine != table.engine;
}

// A family that `like` lacks has its first one's workers and elements.
sim::KernelModel like_model(const CostTable& like, const std::string& family) {
  const auto found = like.kernels.find(family);
  if (found != like.kernels.end()) return found->second.model;
  if (like.kernels.empty()) return default_model(family, 1, 2);
  const sim::KernelModel& first = like.kernels.begin()->second.model;
  return default_model(family, first.workers, first.element_bytes);
}

std::map<std::string, std::vector<FitRow>> rows_by_family(const std::vector<LatencyRow>& rows,
                                                          const CostTable& like) {
  std::map<std::string, std::vector<FitRow>> families;
  for (const LatencyRow& row : rows) {
    if (is_foreign(row, like) || !exclusion_of(row, like).empty()) continue;
    const std::string family = family_of(row);
    const double bytes = like_model(like, family).element_bytes;
    families[family].push_back(fit_row_of(row, like, bytes));
  }
  return families;
}

FamilyErrors errors_of(const std::string& family, const std::vector<FitRow>& rows,
                       const std::vector<double>& errors) {
  FamilyErrors result;
  result.family = family;
  std::map<std::string, std::vector<double>> shapes;
  std::vector<double> balanced;
  std::vector<double> skewed;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    shapes[rows[i].shape].push_back(errors[i]);
    (rows[i].balanced ? balanced : skewed).push_back(errors[i]);
  }
  result.all = error_figures(errors);
  result.balanced = error_figures(std::move(balanced));
  result.skewed = error_figures(std::move(skewed));
  for (auto& [shape, shape_errors] : shapes) {
    result.shapes.push_back({shape, error_figures(std::move(shape_errors))});
  }
  return result;
}

ErrorFigures rounded(ErrorFigures figures) {
  for (double* value : {&figures.median, &figures.p90, &figures.worst}) {
    *value = std::round(*value * 1e4) / 1e4;
  }
  return figures;
}

std::string figures_text(const ErrorFigures& figures) {
  if (figures.rows == 0) return "no rows";
  return fmt::format("{} rows: median {:.1f} %, 90th percentile {:.1f} %, worst {:.1f} %",
                     figures.rows, 100 * figures.median, 100 * figures.p90, 100 * figures.worst);
}

std::string family_text(const FamilyErrors& family, bool by_shape) {
  std::string text = fmt::format("{}\n  all       {}\n", family.family, figures_text(family.all));
  if (family.skewed.rows > 0) {
    text += fmt::format("  balanced  {}\n  skewed    {}\n", figures_text(family.balanced),
                        figures_text(family.skewed));
  }
  if (!by_shape) return text;
  for (const ShapeErrors& shape : family.shapes) {
    text += fmt::format("  {:<36} {}\n", shape.shape, figures_text(shape.figures));
  }
  return text;
}

void warn_of_few_rows(const std::string& family, const std::vector<FitRow>& rows,
                      const sim::KernelModel& start, std::vector<std::string>& warnings) {
  const int numbers = count_fitted_numbers(rows, start);
  if (static_cast<int>(rows.size()) >= numbers) return;
  warnings.push_back(fmt::format(
      "{}: {} {} cannot decide {} numbers; what they leave open stays where a fit begins", family,
      rows.size(), rows.size() == 1 ? "row" : "rows", numbers));
}

// Rows of another machine than the ceilings' are fitted too, and badly.
void warn_of_bad_fit(const std::string& family, const sim::ErrorFigures& fitted,
                     std::vector<std::string>& warnings) {
  constexpr double kBad = 0.5;
  if (fitted.median <= kBad) return;
  warnings.push_back(fmt::format(
      "{}: the fit is off by {:.0f} % in the middle: do not use it; rows that are faster than the "
      "table's peaks, or that crowded machines gave, have no fit",
      family, 100 * fitted.median));
}

}  // namespace

sim::KernelModel default_model(const std::string& family, int workers, double element_bytes) {
  sim::KernelModel model;
  model.workers = workers;
  model.element_bytes = element_bytes;
  if (family == sim::kPermute || family == sim::kCombine) return model;
  std::vector<std::pair<int, int>> sizes = {
      {16, 128}, {64, 128}, {128, 128}, {128, 256}, {256, 128}};
  if (family == sim::kAttention) sizes = {{128, 128}};
  for (const auto& [rows, columns] : sizes) model.tiles.push_back({rows, columns, {}, {}});
  return model;
}

Calibration calibrate(const std::vector<LatencyRow>& rows, const CostTable& like, int threads) {
  Calibration result;
  result.table = like;
  result.table.kernels.clear();
  const Ceilings ceilings = {like.peak.value, like.peak_bandwidth.value};
  for (const auto& [family, family_rows] : rows_by_family(rows, like)) {
    const sim::KernelModel start = like_model(like, family);
    warn_of_few_rows(family, family_rows, start, result.warnings);
    KernelTable kernel = fit_kernel(family_rows, start, ceilings);
    const FamilyErrors errors =
        errors_of(family, family_rows, held_out_errors(family_rows, start, ceilings, threads));
    warn_of_bad_fit(family, kernel.fitted, result.warnings);
    kernel.fitted = rounded(kernel.fitted);
    kernel.held_out = rounded(errors.all);
    kernel.held_out_balanced = rounded(errors.balanced);
    kernel.held_out_skewed = rounded(errors.skewed);
    result.table.kernels.emplace(family, std::move(kernel));
    result.held_out.push_back(errors);
  }
  if (result.table.kernels.empty()) {
    throw base::Error("--from", "no row is left to fit",
                      like.engine.empty()
                          ? "the table's \"excluded\" names them all"
                          : "the table is for rows of engine " + like.engine +
                                " that its \"excluded\" does not name; for others, copy it and "
                                "change these keys");
  }
  return result;
}

Judgement judge(const std::vector<LatencyRow>& rows, const CostTable& table) {
  Judgement result;
  std::map<std::string, std::pair<std::vector<FitRow>, std::vector<double>>> families;
  std::vector<double> everything;
  for (const LatencyRow& row : rows) {
    const std::string family = family_of(row);
    const auto kernel = table.kernels.find(family);
    if (is_foreign(row, table)) {
      ++result.foreign;
      continue;
    }
    if (kernel == table.kernels.end()) {
      ++result.unknown;
      continue;
    }
    FitRow fit_row = fit_row_of(row, table, kernel->second.model.element_bytes);
    const double error = std::abs(predicted_seconds(kernel->second, fit_row) / fit_row.seconds - 1);
    everything.push_back(error);
    const std::string why = exclusion_of(row, table);
    if (why.empty()) {
      families[family].first.push_back(std::move(fit_row));
      families[family].second.push_back(error);
      continue;
    }
    auto known = std::find_if(result.left_out.begin(), result.left_out.end(),
                              [&](const LeftOutRows& one) { return one.why == why; });
    if (known == result.left_out.end()) {
      known = result.left_out.insert(known, {why, 0, {}});
    }
    ++known->rows;
    known->errors.push_back(error);
  }
  if (everything.empty()) {
    throw base::Error("--against", "none of its rows is of a kernel that the table knows",
                      table.engine.empty() ? "" : "the table is for engine " + table.engine);
  }
  result.with_left_out = error_figures(std::move(everything));
  for (const auto& [family, pair] : families) {
    result.families.push_back(errors_of(family, pair.first, pair.second));
  }
  return result;
}

std::string calibration_text(const Calibration& calibration) {
  std::string text;
  for (const FamilyErrors& family : calibration.held_out) {
    const KernelTable& kernel = calibration.table.kernels.at(family.family);
    text += fmt::format("{}: fitted to {}\n", family.family, figures_text(kernel.fitted));
    text += "on each shape, by a fit without it: ";
    text += family.all.rows == 0 ? "there is only one shape\n" : family_text(family, true);
  }
  return text;
}

std::string judgement_text(const Judgement& judgement, bool by_shape) {
  std::string text;
  for (const FamilyErrors& family : judgement.families) text += family_text(family, by_shape);
  for (const LeftOutRows& left_out : judgement.left_out) {
    text += fmt::format("left out of the above: {} rows ({})\n  {}\n", left_out.rows, left_out.why,
                        figures_text(error_figures(left_out.errors)));
  }
  if (!judgement.left_out.empty()) {
    text += fmt::format("with these: {}\n", figures_text(judgement.with_left_out));
  }
  if (judgement.foreign > 0) text += fmt::format("{} rows of other engines\n", judgement.foreign);
  if (judgement.unknown > 0) {
    text += fmt::format("{} rows of kernels that the table lacks\n", judgement.unknown);
  }
  return text;
}

}  // namespace moesim::experiments
