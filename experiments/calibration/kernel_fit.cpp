// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/kernel_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>

#include "base/parallel.h"
#include "experiments/calibration/least_squares.h"

namespace moesim::experiments {
namespace {

using sim::KernelModel;
using sim::KernelTable;

constexpr double kSmallError = 0.04;
constexpr int kMostSteps = 80;
// Of a tile's rate and bandwidth, in logarithms, as the others' widths below.
constexpr double kTileWidth = 0.5;
constexpr double kBoost = 1.1;

// One number of the model, searched by its logarithm or as it is. `width`: how far from its start
// it may go at the price of one residual of one.
struct Parameter {
  std::function<void(KernelModel&, double)> set;
  Variable variable;
  double width = 1;
  bool by_logarithm = true;
};

Parameter positive(std::function<void(KernelModel&, double)> set, const Variable& range,
                   double width) {
  return {std::move(set),
          {std::log(range.start), std::log(range.least), std::log(range.most)},
          width,
          true};
}

// What the rows can decide about.
struct Scope {
  double least_seconds = std::numeric_limits<double>::infinity();
  double least_per_row = std::numeric_limits<double>::infinity();
  double least_per_expert = std::numeric_limits<double>::infinity();
  bool moves = false;
  bool multiplies = false;
  bool fuses = false;
};

Scope scope_of(const std::vector<FitRow>& rows) {
  Scope scope;
  for (const FitRow& row : rows) {
    scope.least_seconds = std::min(scope.least_seconds, row.seconds);
    scope.least_per_row = std::min(scope.least_per_row, row.seconds / row.work.rows.total);
    scope.least_per_expert = std::min(scope.least_per_expert, row.seconds / row.work.rows.active);
    scope.moves = scope.moves || row.work.moved_bytes > 0;
    scope.multiplies = scope.multiplies || !row.work.gemms.empty();
    scope.fuses = scope.fuses || row.work.fused_flops > 0;
  }
  return scope;
}

void add_family(const Scope& scope, const Ceilings& ceilings, std::vector<Parameter>& all) {
  const double floor = scope.least_seconds;
  const double row = scope.least_per_row;
  const double bytes = ceilings.bytes_per_s;
  all.push_back(positive([](KernelModel& m, double v) { m.fixed = base::Seconds(v); },
                         {0.4 * floor, 1e-3 * floor, floor}, 1));
  all.push_back(positive([](KernelModel& m, double v) { m.per_row = base::Seconds(v); },
                         {3e-3 * row, 1e-5 * row, 0.02 * row}, 2));
  if (!scope.moves) return;
  all.push_back(positive([](KernelModel& m, double v) { m.moved = base::BytesPerSecond(v); },
                         {0.75 * bytes, 0.03 * bytes, bytes}, 0.5));
}

void add_gemm(const Scope& scope, std::vector<Parameter>& all) {
  const double floor = scope.least_seconds;
  all.push_back(positive([](KernelModel& m, double v) { m.gemm_fixed = base::Seconds(v); },
                         {0.08 * floor, 1e-3 * floor, 0.4 * floor}, 1));
  const double expert = scope.least_per_expert;
  all.push_back(positive([](KernelModel& m, double v) { m.per_expert = base::Seconds(v); },
                         {0.01 * expert, 1e-4 * expert, 0.4 * expert}, 2));
  all.push_back(positive([](KernelModel& m, double v) { m.stage_fill = v; }, {0.3, 0.01, 3}, 1));
  all.push_back(
      positive([](KernelModel& m, double v) { m.activation_passes = v; }, {0.5, 0.05, 4}, 1));
  all.push_back(
      positive([](KernelModel& m, double v) { m.depth_overhead = v; }, {200, 1, 2000}, 1.5));
  all.push_back({[](KernelModel& m, double v) { m.whole_waves = v; }, {0.6, 0, 1}, 1, false});
  all.push_back({[](KernelModel& m, double v) { m.fill_dependence = v; }, {0.3, 0, 1}, 1, false});
}

void add_tiles(const KernelModel& like, const Ceilings& ceilings, std::vector<Parameter>& all) {
  for (std::size_t i = 0; i < like.tiles.size(); ++i) {
    // Bytes of operands per product fall with the tile's harmonic size; half of the rate is lost
    // at 40.
    const double rows = like.tiles[i].rows;
    const double columns = like.tiles[i].columns;
    const double size = rows * columns / (rows + columns);
    const double rate = 0.91 * ceilings.flops_per_s * size / (size + 40);
    const double most = std::min(rate * 8, kBoost * ceilings.flops_per_s);
    all.push_back(
        positive([i](KernelModel& m, double v) { m.tiles[i].rate = base::FlopsPerSecond(v); },
                 {rate, rate / 8, most}, kTileWidth));
    const double bytes = ceilings.bytes_per_s;
    all.push_back(
        positive([i](KernelModel& m, double v) { m.tiles[i].bandwidth = base::BytesPerSecond(v); },
                 {0.875 * bytes, 0.1 * bytes, bytes}, kTileWidth));
  }
}

std::vector<Parameter> parameters_for(const std::vector<FitRow>& rows, const KernelModel& like,
                                      const Ceilings& ceilings) {
  const Scope scope = scope_of(rows);
  std::vector<Parameter> all;
  add_family(scope, ceilings, all);
  if (scope.multiplies) add_gemm(scope, all);
  if (scope.multiplies || scope.fuses) {
    all.push_back(positive([](KernelModel& m, double v) { m.exponent = v; }, {3, 1.3, 8}, 0.5));
    add_tiles(like, ceilings, all);
  }
  return all;
}

KernelModel model_at(const std::vector<double>& x, const std::vector<Parameter>& parameters,
                     KernelModel model) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    parameters[i].set(model, parameters[i].by_logarithm ? std::exp(x[i]) : x[i]);
  }
  return model;
}

// Four digits say more than the fit knows, and read better.
double rounded(double value) { return std::stod(fmt::format("{:.4g}", value)); }

KernelModel rounded(KernelModel model) {
  for (double* value :
       {&model.fixed.value, &model.per_row.value, &model.moved.value, &model.gemm_fixed.value,
        &model.per_expert.value, &model.stage_fill, &model.activation_passes, &model.exponent,
        &model.whole_waves, &model.depth_overhead, &model.fill_dependence}) {
    *value = rounded(*value);
  }
  for (sim::Tile& tile : model.tiles) {
    tile.rate.value = rounded(tile.rate.value);
    tile.bandwidth.value = rounded(tile.bandwidth.value);
  }
  return model;
}

// By squares near 0, by size far from it.
double soft(double z) {
  const double size = std::sqrt(2 * (std::sqrt(1 + z * z) - 1));
  return z < 0 ? -size : size;
}

double log_error(const KernelModel& model, const FitRow& row) {
  return std::log(row.seconds / sim::time_work(model, row.work).value);
}

std::vector<sim::ShapeResiduals> residuals_of(const std::vector<FitRow>& rows,
                                              const KernelModel& model) {
  std::vector<sim::ShapeResiduals> shapes;
  for (const FitRow& row : rows) {
    const int experts = static_cast<int>(row.work.rows.experts);
    auto found = std::find_if(shapes.begin(), shapes.end(), [&](const sim::ShapeResiduals& shape) {
      return shape.experts == experts && shape.hidden == row.hidden &&
             shape.intermediate == row.work.intermediate;
    });
    if (found == shapes.end()) {
      found = shapes.insert(shapes.end(), {experts, row.hidden, row.work.intermediate, {}, {}, {}});
    }
    const sim::GroupedRows& sums = row.work.rows;
    found->rows_per_expert.push_back(rounded(sums.total / sums.experts));
    found->skew.push_back(rounded(sums.largest / (sums.total / sums.active)));
    found->residual.push_back(
        std::stod(fmt::format("{:.4f}", std::clamp(log_error(model, row), -0.3, 0.3))));
  }
  return shapes;
}

}  // namespace

FitRow fit_row_of(const LatencyRow& row, const sim::CostTable& table, double element_bytes) {
  return {fmt::format("{} experts, top {}, {} x {}", row.experts, row.topk, row.hidden, row.inter),
          row.hidden, row.distribution == "balanced", work_of(row, table, element_bytes),
          row.latency_us * 1e-6};
}

KernelModel fit_model(const std::vector<FitRow>& rows, const KernelModel& like,
                      const Ceilings& ceilings) {
  KernelModel start = like;
  if (start.moved.value <= 0) start.moved = base::BytesPerSecond(ceilings.bytes_per_s);
  const std::vector<Parameter> parameters = parameters_for(rows, start, ceilings);
  std::vector<Variable> variables;
  for (const Parameter& parameter : parameters) variables.push_back(parameter.variable);
  const Residuals residuals = [&](const std::vector<double>& x, std::vector<double>& values) {
    const KernelModel model = model_at(x, parameters, start);
    values.clear();
    for (const FitRow& row : rows) values.push_back(soft(log_error(model, row) / kSmallError));
    for (std::size_t i = 0; i < x.size(); ++i) {
      values.push_back((x[i] - variables[i].start) / parameters[i].width);
    }
  };
  return rounded(
      model_at(minimise_squares(residuals, variables, kMostSteps).at, parameters, start));
}

int count_fitted_numbers(const std::vector<FitRow>& rows, const KernelModel& like) {
  return static_cast<int>(parameters_for(rows, like, {1, 1}).size());
}

KernelTable fit_kernel(const std::vector<FitRow>& rows, const KernelModel& like,
                       const Ceilings& ceilings) {
  KernelTable kernel;
  kernel.model = fit_model(rows, like, ceilings);
  kernel.residuals = residuals_of(rows, kernel.model);
  std::vector<double> errors;
  for (const FitRow& row : rows) {
    errors.push_back(std::abs(predicted_seconds(kernel, row) / row.seconds - 1));
  }
  kernel.fitted = error_figures(std::move(errors));
  return kernel;
}

double predicted_seconds(const KernelTable& kernel, const FitRow& row) {
  return sim::time_work(kernel.model, row.work).value *
         sim::residual_factor(kernel, row.hidden, row.work);
}

sim::ErrorFigures error_figures(std::vector<double> errors) {
  sim::ErrorFigures figures;
  if (errors.empty()) return figures;
  std::sort(errors.begin(), errors.end());
  // The share of rows at or below: the ceil(share n)-th smallest.
  const auto at = [&](double share) {
    const double place = std::ceil(share * static_cast<double>(errors.size()));
    return errors[static_cast<std::size_t>(std::max(place, 1.0)) - 1];
  };
  figures.rows = static_cast<int>(errors.size());
  figures.median = at(0.5);
  figures.p90 = at(0.9);
  figures.worst = errors.back();
  return figures;
}

std::vector<double> held_out_errors(const std::vector<FitRow>& rows, const KernelModel& like,
                                    const Ceilings& ceilings, int threads) {
  std::set<std::string> names;
  for (const FitRow& row : rows) names.insert(row.shape);
  if (names.size() < 2) return {};
  const std::vector<std::string> shapes(names.begin(), names.end());
  std::vector<double> errors(rows.size(), 0);
  base::parallel_for(static_cast<int>(shapes.size()), threads, [&](int i) {
    std::vector<FitRow> others;
    for (const FitRow& row : rows) {
      if (row.shape != shapes[static_cast<std::size_t>(i)]) others.push_back(row);
    }
    const KernelTable kernel = fit_kernel(others, like, ceilings);
    for (std::size_t r = 0; r < rows.size(); ++r) {
      if (rows[r].shape != shapes[static_cast<std::size_t>(i)]) continue;
      errors[r] = std::abs(predicted_seconds(kernel, rows[r]) / rows[r].seconds - 1);
    }
  });
  return errors;
}

}  // namespace moesim::experiments
