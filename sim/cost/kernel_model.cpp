// SPDX-License-Identifier: Apache-2.0
#include "sim/cost/kernel_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/error.h"

namespace moesim::sim {
namespace {

using base::Seconds;

std::size_t height_index(int rows) {
  const auto* found = std::find(kTileHeights.begin(), kTileHeights.end(), rows);
  CHECK(found != kTileHeights.end(), "tile heights are validated");
  return static_cast<std::size_t>(found - kTileHeights.begin());
}

// (a^p + b^p)^(1/p), factored so that neither power over- nor underflows.
double join(double a, double b, double p) {
  const double longer = std::max(a, b);
  if (longer <= 0) return 0;
  return longer * std::pow(1.0 + std::pow(std::min(a, b) / longer, p), 1.0 / p);
}

double waves_of(const KernelModel& model, double tiles) {
  const double waves = tiles / model.workers;
  return (1 - model.whole_waves) * std::max(waves, 1.0) + model.whole_waves * std::ceil(waves);
}

// Before the first product: one worker's columns of B.
double start_of(const KernelModel& model, const Tile& tile, double k) {
  const double awaited = tile.columns * k * model.element_bytes;
  return model.gemm_fixed.value +
         model.stage_fill * awaited / (tile.bandwidth.value / model.workers);
}

double time_gemm(const KernelModel& model, const Tile& tile, const GroupedRows& rows,
                 const GemmShape& shape) {
  const double row_tiles = rows.tiles[height_index(tile.rows)];
  const double fill = rows.total / (row_tiles * tile.rows);
  const double share = 1 - model.fill_dependence + model.fill_dependence * fill;
  const double one_tile = 2.0 * tile.rows * tile.columns *
                          (shape.k * share + model.depth_overhead) /
                          (tile.rate.value / model.workers);
  const double math = waves_of(model, row_tiles * std::ceil(shape.n / tile.columns)) * one_tile;
  const double bytes_per_s = tile.bandwidth.value / model.element_bytes;
  const double weights = rows.active * shape.n * shape.k / bytes_per_s;
  const double activations =
      model.activation_passes * rows.total * (shape.n + shape.k) / bytes_per_s;
  return start_of(model, tile, shape.k) + model.per_expert.value * rows.active + activations +
         join(weights, math, model.exponent);
}

const TileRule* rule_of(const KernelModel& model, const KernelWork& work) {
  for (const TileRule& rule : model.rules) {
    if (rule.experts && *rule.experts != work.rows.experts) continue;
    if (rule.intermediate && *rule.intermediate != work.intermediate) continue;
    return &rule;
  }
  return nullptr;
}

// nullptr: the fastest.
const Tile* ruled_tile(const KernelModel& model, const KernelWork& work) {
  const TileRule* rule = rule_of(model, work);
  if (rule == nullptr) return nullptr;
  double measure = work.tokens;
  if (rule->by == TileMeasure::tokens_per_expert) measure /= std::max(work.rows.experts, 1.0);
  for (const TileStep& step : rule->steps) {
    if (step.up_to && measure > *step.up_to) continue;
    for (const Tile& tile : model.tiles) {
      if (tile.rows == step.rows && tile.columns == step.columns) return &tile;
    }
  }
  return nullptr;
}

}  // namespace

GroupedRows sum_rows(std::span<const int> rows) {
  GroupedRows sums;
  sums.experts = static_cast<double>(rows.size());
  for (const int expert_rows : rows) {
    if (expert_rows <= 0) continue;
    sums.total += expert_rows;
    sums.active += 1;
    sums.largest = std::max(sums.largest, static_cast<double>(expert_rows));
    for (std::size_t h = 0; h < kTileHeights.size(); ++h) {
      const int whole = (expert_rows - 1) / kTileHeights[h] + 1;
      sums.tiles[h] += whole;
    }
  }
  return sums;
}

double copied_rows(double tokens, double rows) { return std::min(tokens, rows) + rows; }

Seconds time_work(const KernelModel& model, const KernelWork& work) {
  if (work.rows.total <= 0) return Seconds(0);
  double seconds = model.fixed.value + model.per_row.value * work.rows.total;
  double moving = work.moved_bytes > 0 ? work.moved_bytes / model.moved.value : 0;
  if (work.fused_flops > 0) {
    moving = join(moving, work.fused_flops / model.tiles.front().rate.value, model.exponent);
  }
  seconds += moving;
  const Tile* ruled = ruled_tile(model, work);
  for (const GemmShape& shape : work.gemms) {
    double best = std::numeric_limits<double>::infinity();
    if (ruled != nullptr) {
      best = time_gemm(model, *ruled, work.rows, shape);
    } else {
      for (const Tile& tile : model.tiles) {
        best = std::min(best, time_gemm(model, tile, work.rows, shape));
      }
    }
    seconds += best;
  }
  return Seconds(seconds);
}

Seconds time_weight_gradient(const KernelModel& model, std::span<const int> rows,
                             const GemmShape& shape) {
  if (rows.empty()) return Seconds(0);
  const GroupedRows sums = sum_rows(rows);
  double best = std::numeric_limits<double>::infinity();
  for (const Tile& tile : model.tiles) {
    const double tiles = std::ceil(shape.k / tile.rows) * std::ceil(shape.n / tile.columns);
    // A tile is as deep as its expert has rows; every expert with rows has equally many tiles, so
    // the mean depth gives their sum.
    const double depth = sums.active > 0 ? sums.total / sums.active : 0;
    const double one_tile = 2.0 * tile.rows * tile.columns * (depth + model.depth_overhead) /
                            (tile.rate.value / model.workers);
    const double math = sums.active > 0 ? waves_of(model, tiles * sums.active) * one_tile : 0;
    const double bytes_per_s = tile.bandwidth.value / model.element_bytes;
    const double written = sums.experts * shape.n * shape.k / bytes_per_s;
    const double read = model.activation_passes * sums.total * (shape.n + shape.k) / bytes_per_s;
    best = std::min(best, start_of(model, tile, std::min(depth, shape.k)) + read +
                              model.per_expert.value * sums.active +
                              join(written, math, model.exponent));
  }
  return Seconds(best);
}

base::EnumNames<TileMeasure> names_of(TileMeasure) {
  return {{TileMeasure::tokens, "tokens"}, {TileMeasure::tokens_per_expert, "tokens_per_expert"}};
}

void describe(base::FieldTable& table, Tile& tile) {
  table.title("tile", "What a worker computes at a time, and how fast.");
  table.field("rows", tile.rows, "Rows: 8, 16, 32, 64, 128 or 256.").required().at_least(1);
  table.field("columns", tile.columns, "Columns.").required().at_least(1);
  table.field("rate", tile.rate, "Of the whole machine in such tiles.").required().above(0);
  table.field("bandwidth", tile.bandwidth, "At which it streams operands.").required().above(0);
}

void describe(base::FieldTable& table, TileStep& step) {
  table.title("tile_step", "A tile and up to where it is taken.");
  table.field("up_to", step.up_to, "The largest measure; null: all beyond.").at_least(0);
  table.field("rows", step.rows, "Rows of the tile.").required().at_least(1);
  table.field("columns", step.columns, "Columns of the tile.").required().at_least(1);
}

void describe(base::FieldTable& table, TileRule& rule) {
  table.title("tile_rule", "Which tile a library takes.");
  table.field("experts", rule.experts, "Only of so many experts; null: any.").at_least(1);
  table.field("intermediate", rule.intermediate, "Only of such width; null: any.").at_least(1);
  table.field("by", rule.by, "What the steps count.");
  table.field("steps", rule.steps, "Ascending; the first that is not exceeded.").required();
}

void add_fields(base::FieldTable& table, KernelModel& model) {
  table.field("workers", model.workers, "SMs or cores that work on tiles.").required().at_least(1);
  table.field("element_bytes", model.element_bytes, "Of an operand's element.").above(0);
  table.field("fixed", model.fixed, "Once per call.").at_least(0);
  table.field("per_row", model.per_row, "Sorting and indexing of a row.").at_least(0);
  table.field("moved", model.moved, "Rate of copies, activations and sums.").required().above(0);
  table.field("gemm_fixed", model.gemm_fixed, "Once per GEMM.").at_least(0);
  table.field("per_expert", model.per_expert, "Of each GEMM and expert with rows.").at_least(0);
  table.field("stage_fill", model.stage_fill, "Operands awaited before the first product.")
      .at_least(0);
  table.field("activation_passes", model.activation_passes, "Passes over a GEMM's rows.")
      .at_least(0);
  table.field("exponent", model.exponent, "p of (memory^p + math^p)^(1/p).").at_least(1);
  table.field("whole_waves", model.whole_waves, "1: only whole waves of tiles count.")
      .at_least(0)
      .at_most(1);
  table.field("depth_overhead", model.depth_overhead, "Of a tile, in units of the depth.")
      .at_least(0);
  table.field("fill_dependence", model.fill_dependence, "1: rows that are not there are free.")
      .at_least(0)
      .at_most(1);
  table.field("tiles", model.tiles, "The kinds of tiles.");
  table.field("rules", model.rules, "Which tile is taken; none: the fastest.");
}

void validate(const KernelModel& model, const std::string& where) {
  for (std::size_t i = 0; i < model.tiles.size(); ++i) {
    const int rows = model.tiles[i].rows;
    if (std::count(kTileHeights.begin(), kTileHeights.end(), rows) > 0) continue;
    throw base::Error(where + "/tiles/" + std::to_string(i) + "/rows",
                      "no tile has " + std::to_string(rows) + " rows",
                      "use 8, 16, 32, 64, 128 or 256");
  }
  for (std::size_t r = 0; r < model.rules.size(); ++r) {
    for (std::size_t s = 0; s < model.rules[r].steps.size(); ++s) {
      const TileStep& step = model.rules[r].steps[s];
      const bool known = std::any_of(model.tiles.begin(), model.tiles.end(), [&](const Tile& tile) {
        return tile.rows == step.rows && tile.columns == step.columns;
      });
      if (known) continue;
      throw base::Error(
          where + "/rules/" + std::to_string(r) + "/steps/" + std::to_string(s),
          "there is no tile of " + std::to_string(step.rows) + " x " + std::to_string(step.columns),
          "add it to tiles");
    }
  }
}

}  // namespace moesim::sim
