// SPDX-License-Identifier: Apache-2.0
// A calibrated machine: for each kernel family a model (kernel_model.h) and what the measurements
// say beyond it. `moesim calibrate compute` writes such files, sim/cost/presets holds those that
// ship, and an accelerator names one (`cost_table`).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_reader.h"
#include "sim/cost/kernel_model.h"

namespace moesim::sim {

// Families that a table may hold: a whole layer of experts as libraries time it (sorting, both
// GEMMs, activation, weighted sum), and single kernels.
inline constexpr const char* kMoeLayer = "moe_layer";
inline constexpr const char* kGemm = "gemm";
inline constexpr const char* kGroupedGemm = "grouped_gemm";
inline constexpr const char* kPermute = "permute";
inline constexpr const char* kCombine = "combine";
inline constexpr const char* kAttention = "attention";
std::vector<std::string> kernel_families();

// ln(measured / model) of one shape at rows per expert and skews, entry by entry.
struct ShapeResiduals {
  int experts = 0;
  int hidden = 0;
  int intermediate = 0;
  std::vector<double> rows_per_expert;
  std::vector<double> skew;  // fullest expert's rows / mean over experts with rows
  std::vector<double> residual;
};

// Errors |predicted / measured - 1| over rows of measurements.
struct ErrorFigures {
  int rows = 0;
  double median = 0;
  double p90 = 0;
  double worst = 0;
};

struct KernelTable {
  KernelModel model;
  std::vector<ShapeResiduals> residuals;
  ErrorFigures fitted;    // over the rows that the fit saw, residuals in use
  ErrorFigures held_out;  // each shape predicted by a fit without it
  ErrorFigures held_out_balanced;
  ErrorFigures held_out_skewed;
  // Time of a call in a run of seconds / in a run of milliseconds; null: only bursts were measured.
  std::optional<double> sustained_slowdown;
};

// Measured rows that the fit leaves out, and why. Empty or null: any.
struct ExcludedRows {
  std::string kernel;  // as the measurements call it
  std::optional<int> experts;
  std::optional<int> hidden;
  std::string distribution;  // the beginning of its name
  std::string why;
};

// Experts of two matrices where the others have three.
struct PlainShape {
  int hidden = 0;
  int intermediate = 0;
};

struct CostTable {
  std::string name;
  std::string machine;                  // what was measured, as reports say it
  std::string device;                   // its plain name; empty: `machine` is one
  std::string engine;                   // whose rows, as the measurements call it; empty: all
  std::string made;                     // by which version, compiler, and when
  base::FlopsPerSecond peak;            // of the data sheet: no tile is faster than 1.1 of it
  base::BytesPerSecond peak_bandwidth;  // of the data sheet: nothing streams faster
  std::vector<PlainShape> plain;
  std::vector<ExcludedRows> excluded;
  std::map<std::string, KernelTable> kernels;  // by family
  std::map<std::string, std::string> sources;
  std::string sha256;  // of a file of one's own; empty for those that ship, and not in the file
};

// Those in sim/cost/presets.
std::vector<std::string> cost_table_names();

// Whether the name of a table is a file's, of one's own: it ends in ".json".
bool is_cost_table_file(std::string_view name);

// Throws base::Error with the file's place on anything that is not a valid table.
CostTable read_cost_table(const std::string& file);

// The table in sim/cost/presets, or the file where the name is one's. Throws base::Error at `where`
// for an unknown name or a file that cannot be read, at the file's place for what is wrong in it.
std::shared_ptr<const CostTable> find_cost_table(const std::string& name, const std::string& where);

// As a file: each shape's residuals on one line.
std::string cost_table_text(const CostTable& table);

// How much longer than the model the work takes, by the residuals of shapes like it: a mean of the
// residuals weighted by distance in logarithms, falling to 1 far from all of them.
double residual_factor(const KernelTable& kernel, int hidden, const KernelWork& work);

void validate(const CostTable& table, const std::string& where);
void describe(base::FieldTable& table, ShapeResiduals& residuals);
void describe(base::FieldTable& table, ErrorFigures& figures);
void describe(base::FieldTable& table, KernelTable& kernel);
void describe(base::FieldTable& table, ExcludedRows& rows);
void describe(base::FieldTable& table, PlainShape& shape);
void describe(base::FieldTable& table, CostTable& cost);

}  // namespace moesim::sim
