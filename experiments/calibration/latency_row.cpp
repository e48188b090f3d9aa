// SPDX-License-Identifier: Apache-2.0
#include "experiments/calibration/latency_row.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "experiments/calibration/routed_counts.h"
#include "experiments/validation/case_table.h"

namespace moesim::experiments {
namespace {

using sim::KernelWork;

// Both GEMMs, the activation between them and the weighted sum of a token's rows.
void add_layer(const LatencyRow& row, bool plain, double element_bytes, KernelWork& work) {
  const double hidden = row.hidden;
  const double inter = row.inter;
  const double first = plain ? inter : 2 * inter;
  work.gemms = {{first, hidden}, {hidden, inter}};
  work.moved_bytes =
      element_bytes * (work.rows.total * (first + inter) + (work.rows.total + row.tokens) * hidden);
}

// Names may look like numbers, as a version does.
base::JsonValue with_names(base::JsonValue row) {
  for (base::JsonMember& member : row.members) {
    const bool name = member.key == "engine" || member.key == "version" || member.key == "kernel";
    if (name && member.value.kind == base::JsonValue::Kind::number) {
      member.value.kind = base::JsonValue::Kind::string;
    }
  }
  return row;
}

bool is_plain(const LatencyRow& row, const sim::CostTable& table) {
  return std::any_of(table.plain.begin(), table.plain.end(), [&](const sim::PlainShape& shape) {
    return shape.hidden == row.hidden && shape.intermediate == row.inter;
  });
}

}  // namespace

std::vector<LatencyRow> read_latency_rows(const std::string& file) {
  std::vector<LatencyRow> rows;
  for (const base::JsonValue& value : read_table(file)) {
    LatencyRow row;
    base::ReadReport report;
    base::read_json(with_names(value), row, report);
    row.place = value.place.text();
    require_distribution(row.distribution, row.place);
    if (row.topk > row.experts) {
      throw base::Error(row.place,
                        fmt::format("a token cannot have {} of {} experts", row.topk, row.experts),
                        "topk is at most experts");
    }
    rows.push_back(std::move(row));
  }
  if (rows.empty()) throw base::Error(file, "it has no rows", "give it a line per measurement");
  return rows;
}

std::string latency_rows_text(const std::vector<LatencyRow>& rows, const std::string& remark) {
  std::string text;
  std::istringstream lines(remark);
  for (std::string line; std::getline(lines, line);) text += "# " + line + "\n";
  text += "engine,version,kernel,experts,topk,hidden,inter,distribution,tokens,latency_us\n";
  for (const LatencyRow& row : rows) {
    text += fmt::format("{},{},{},{},{},{},{},{},{},{:.6g}\n", row.engine, row.version, row.kernel,
                        row.experts, row.topk, row.hidden, row.inter, row.distribution, row.tokens,
                        row.latency_us);
  }
  return text;
}

std::string family_of(const LatencyRow& row) {
  const std::vector<std::string> families = sim::kernel_families();
  const bool named = std::count(families.begin(), families.end(), row.kernel) > 0;
  return named ? row.kernel : sim::kMoeLayer;
}

KernelWork work_of(const LatencyRow& row, const sim::CostTable& table, double element_bytes) {
  const std::string family = family_of(row);
  KernelWork work;
  work.tokens = row.tokens;
  work.intermediate = row.inter;
  const double hidden = row.hidden;
  if (family == sim::kAttention || family == sim::kGemm) {
    work.rows = sim::sum_rows(std::vector<int>{row.tokens});
  } else {
    work.rows = sim::sum_rows(
        routed_counts(row.distribution, row.tokens, row.experts, row.topk, row.place));
  }
  if (family == sim::kMoeLayer) add_layer(row, is_plain(row, table), element_bytes, work);
  if (family == sim::kGemm || family == sim::kGroupedGemm) {
    work.gemms = {{static_cast<double>(row.inter), hidden}};
  }
  if (family == sim::kPermute) {
    work.moved_bytes = element_bytes * sim::copied_rows(row.tokens, work.rows.total) * hidden;
  }
  if (family == sim::kCombine) {
    work.moved_bytes = element_bytes * (work.rows.total + row.tokens) * hidden;
  }
  if (family == sim::kAttention) {
    const double keys_seen = std::min(row.inter, row.tokens) / 2.0;
    work.fused_flops = 4.0 * row.tokens * keys_seen * hidden;
    work.moved_bytes = 4.0 * element_bytes * row.tokens * hidden;
  }
  return work;
}

std::string exclusion_of(const LatencyRow& row, const sim::CostTable& table) {
  for (const sim::ExcludedRows& rows : table.excluded) {
    if (!rows.kernel.empty() && rows.kernel != row.kernel) continue;
    if (rows.experts && *rows.experts != row.experts) continue;
    if (rows.hidden && *rows.hidden != row.hidden) continue;
    if (!row.distribution.starts_with(rows.distribution)) continue;
    return rows.why;
  }
  return "";
}

void describe(base::FieldTable& table, LatencyRow& row) {
  table.title("latency_row", "One measured time of a kernel.");
  table.field("engine", row.engine, "The library.").required();
  table.field("version", row.version, "Its version.");
  table.field("kernel", row.kernel, "What was timed.").required();
  table.field("experts", row.experts, "Experts.").required().at_least(1).at_most(1 << 16);
  table.field("topk", row.topk, "Experts of a token.").required().at_least(1).at_most(1 << 10);
  table.field("hidden", row.hidden, "Hidden size.").required().at_least(1).at_most(1 << 20);
  table.field("inter", row.inter, "Width of an expert.").required().at_least(0).at_most(1 << 20);
  table.field("distribution", row.distribution, "How rows spread over experts.").required();
  table.field("tokens", row.tokens, "Tokens.").required().at_least(1).at_most(1 << 24);
  table.field("latency_us", row.latency_us, "Microseconds.").required().at_least(1e-3).at_most(1e9);
}

}  // namespace moesim::experiments
