// SPDX-License-Identifier: Apache-2.0
#include "sim/cost/cost_table.h"

#include <algorithm>
#include <cmath>

#include "base/data_directory.h"
#include "base/error.h"
#include "base/file_bytes.h"

namespace moesim::sim {
namespace {

using base::JsonValue;

constexpr const char* kFolder = "sim/cost/presets";

// Widths, in logarithms, within which a measured shape speaks for another; the weight of the model
// alone. Chosen once by hand on shapes left out, equal for all tables.
constexpr double kRowsWidth = 0.35;
constexpr double kSkewWidth = 0.5;
constexpr double kShapeWidth = 0.5;
constexpr double kModelWeight = 0.5;

double squared(double x) { return x * x; }

double log_ratio(double a, double b) { return std::log(std::max(a, 1e-9) / std::max(b, 1e-9)); }

// 1 for the same shape.
double distance_of_shape(const ShapeResiduals& shape, int hidden, const KernelWork& work) {
  return squared(log_ratio(shape.experts, work.rows.experts) / kShapeWidth) +
         squared(log_ratio(shape.hidden, hidden) / kShapeWidth) +
         squared(log_ratio(shape.intermediate, work.intermediate) / kShapeWidth);
}

// The value's text on as many lines as it has members, each compact, and the lists of shapes with
// one shape a line.
void append(const JsonValue& value, const std::string& key, int depth, std::string& text) {
  const bool object = value.kind == JsonValue::Kind::object;
  const bool shapes = value.kind == JsonValue::Kind::array && !value.items.empty() &&
                      value.items.front().kind == JsonValue::Kind::object;
  if (!object && !shapes) {
    text += base::to_text(value, base::JsonStyle::compact);
    return;
  }
  if (shapes || depth >= 4 || key == "fitted" || key.starts_with("held_out")) {
    if (object) {
      text += base::to_text(value, base::JsonStyle::compact);
      return;
    }
    text += "[";
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      text += (i == 0 ? "\n" : ",\n") + std::string(2 * depth + 2, ' ');
      text += base::to_text(value.items[i], base::JsonStyle::compact);
    }
    text += "\n" + std::string(2 * depth, ' ') + "]";
    return;
  }
  text += "{";
  for (std::size_t i = 0; i < value.members.size(); ++i) {
    const base::JsonMember& member = value.members[i];
    text += (i == 0 ? "\n" : ",\n") + std::string(2 * depth + 2, ' ') + "\"" + member.key + "\": ";
    append(member.value, member.key, depth + 1, text);
  }
  text += "\n" + std::string(2 * depth, ' ') + "}";
}

void check_residuals(const KernelTable& kernel, const std::string& where) {
  for (std::size_t i = 0; i < kernel.residuals.size(); ++i) {
    const ShapeResiduals& shape = kernel.residuals[i];
    const std::size_t count = shape.rows_per_expert.size();
    if (shape.skew.size() == count && shape.residual.size() == count) continue;
    throw base::Error(where + "/residuals/" + std::to_string(i),
                      "its three lists have different lengths",
                      "give each measurement its rows_per_expert, skew and residual");
  }
}

}  // namespace

std::vector<std::string> kernel_families() {
  return {kMoeLayer, kGemm, kGroupedGemm, kPermute, kCombine, kAttention};
}

double residual_factor(const KernelTable& kernel, int hidden, const KernelWork& work) {
  if (work.rows.active == 0) return 1;
  const double rows_per_expert = work.rows.total / work.rows.experts;
  const double skew = work.rows.largest / (work.rows.total / work.rows.active);
  double weights = kModelWeight;
  double sum = 0;
  for (const ShapeResiduals& shape : kernel.residuals) {
    const double far = distance_of_shape(shape, hidden, work);
    if (far > 30) continue;
    for (std::size_t i = 0; i < shape.residual.size(); ++i) {
      const double distance =
          far + squared(log_ratio(shape.rows_per_expert[i], rows_per_expert) / kRowsWidth) +
          squared(log_ratio(shape.skew[i], skew) / kSkewWidth);
      const double weight = std::exp(-0.5 * distance);
      weights += weight;
      sum += weight * shape.residual[i];
    }
  }
  return std::exp(sum / weights);
}

std::vector<std::string> cost_table_names() { return base::preset_names(kFolder); }

bool is_cost_table_file(std::string_view name) { return name.ends_with(".json"); }

CostTable read_cost_table(const std::string& file) {
  const JsonValue document = base::read_json_file(file);
  CostTable table;
  base::ReadReport report;
  base::read_json(document, table, report);
  try {
    validate(table, "");
  } catch (const base::Error& error) {
    throw base::Error(file + "  " + error.where(), error.message(), error.hint());
  }
  return table;
}

std::shared_ptr<const CostTable> find_cost_table(const std::string& name,
                                                 const std::string& where) {
  if (is_cost_table_file(name)) {
    try {
      auto table = std::make_shared<CostTable>(read_cost_table(name));
      table->sha256 = base::sha256_of_file(name, "check its permissions");
      return table;
    } catch (const base::Error& error) {
      if (error.where() != name) throw;  // what is wrong inside the file has its own place
      throw base::Error(where, name + ": " + error.message(), error.hint());
    }
  }
  const std::vector<std::string> known = cost_table_names();
  if (std::count(known.begin(), known.end(), name) == 0) {
    std::string hint = base::did_you_mean(name, known);
    if (hint.empty()) {
      hint = "tables in " + std::string(kFolder) + ":";
      for (const std::string& one : known) hint += " " + one;
    }
    throw base::Error(where, "there is no cost table \"" + name + "\"", hint);
  }
  return std::make_shared<CostTable>(
      read_cost_table((base::data_directory() / kFolder / (name + ".json")).string()));
}

std::string cost_table_text(const CostTable& table) {
  std::string text;
  append(base::to_json(table), "", 0, text);
  return text + "\n";
}

void validate(const CostTable& table, const std::string& where) {
  if (table.kernels.empty()) {
    throw base::Error(where + "/kernels", "it times nothing",
                      "moesim calibrate compute fits one to rows");
  }
  for (const auto& [family, kernel] : table.kernels) {
    const std::vector<std::string> known = kernel_families();
    const std::string place = where + "/kernels/" + family;
    if (std::count(known.begin(), known.end(), family) == 0) {
      throw base::Error(place, "there is no kernel family \"" + family + "\"",
                        base::did_you_mean(family, known));
    }
    const bool multiplies = family != kPermute && family != kCombine;
    if (multiplies && kernel.model.tiles.empty()) {
      throw base::Error(place + "/tiles", "it multiplies, but has no tiles",
                        "give it at least one tile");
    }
    validate(kernel.model, place);
    check_residuals(kernel, place);
  }
}

void describe(base::FieldTable& table, ShapeResiduals& residuals) {
  table.title("shape_residuals", "What measurements of one shape say beyond the model.");
  table.field("experts", residuals.experts, "Experts.").required().at_least(1);
  table.field("hidden", residuals.hidden, "Hidden size.").required().at_least(1);
  table.field("intermediate", residuals.intermediate, "Width of an expert.").required().at_least(0);
  table.field("rows_per_expert", residuals.rows_per_expert, "Mean rows of an expert.");
  table.field("skew", residuals.skew, "Fullest expert / mean over experts with rows.");
  table.field("residual", residuals.residual, "ln(measured / model).").at_least(-1).at_most(1);
}

void describe(base::FieldTable& table, ErrorFigures& figures) {
  table.title("error_figures", "|predicted / measured - 1| over rows of measurements.");
  table.field("rows", figures.rows, "How many.").at_least(0);
  table.field("median", figures.median, "Median.").at_least(0);
  table.field("p90", figures.p90, "90th percentile.").at_least(0);
  table.field("worst", figures.worst, "Largest.").at_least(0);
}

void describe(base::FieldTable& table, KernelTable& kernel) {
  table.title("kernel_table", "One kernel family of a cost table (docs/models.md).");
  add_fields(table, kernel.model);
  table.field("fitted", kernel.fitted, "Errors on the rows that the fit saw.");
  table.field("held_out", kernel.held_out, "Errors on shapes that the fit did not see.");
  table.field("held_out_balanced", kernel.held_out_balanced, "Of these, balanced rows.");
  table.field("held_out_skewed", kernel.held_out_skewed, "Of these, skewed rows.");
  table
      .field("sustained_slowdown", kernel.sustained_slowdown,
             "Time of a call in a long run / in a short one; null: not measured.")
      .above(0);
  table.field("residuals", kernel.residuals, "What the measurements say beyond the model.");
}

void describe(base::FieldTable& table, ExcludedRows& rows) {
  table.title("excluded_rows", "Measurements that the fit leaves out.");
  table.field("kernel", rows.kernel, "As the measurements call it; empty: any.");
  table.field("experts", rows.experts, "Of so many experts; null: any.").at_least(1);
  table.field("hidden", rows.hidden, "Of this hidden size; null: any.").at_least(1);
  table.field("distribution", rows.distribution, "The beginning of its name; empty: any.");
  table.field("why", rows.why, "The reason.").required();
}

void describe(base::FieldTable& table, PlainShape& shape) {
  table.title("plain_shape", "Experts of two matrices.");
  table.field("hidden", shape.hidden, "Hidden size.").required().at_least(1);
  table.field("intermediate", shape.intermediate, "Width of an expert.").required().at_least(1);
}

void describe(base::FieldTable& table, CostTable& cost) {
  table.title("cost_table", "A calibrated machine.");
  table.field("name", cost.name, "What reports call it.");
  table.field("machine", cost.machine, "What was measured.").required();
  table.field("device", cost.device, "The plain name of the device; empty: machine is one.");
  table.field("engine", cost.engine, "Whose rows of the measurements; empty: all.");
  table.field("made", cost.made, "By which version and compiler, and when.");
  table.field("peak", cost.peak, "Data sheet; bounds the tiles' rates.").required().above(0);
  table.field("peak_bandwidth", cost.peak_bandwidth, "Data sheet; bounds bandwidths.")
      .required()
      .above(0);
  table.field("plain", cost.plain, "Shapes whose experts have two matrices.");
  table.field("excluded", cost.excluded, "Measurements left out of the fit.");
  table.field("kernels", cost.kernels, "By family.").required();
  table.field("sources", cost.sources, "Where the figures come from.");
}

}  // namespace moesim::sim
