// SPDX-License-Identifier: Apache-2.0
#include "experiments/bench_table.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/json_value.h"
#include "base/named_table.h"

namespace moesim::experiments {
namespace {

// Elements that a rank hands to one call: of one block where nccl-tests count so.
double count_of(const BenchRow& row, const CollectiveBench& bench) {
  return row.size / granule_of(row.type, bench);
}

std::string heading(const BenchColumn& column) {
  const std::string label = column.variant.label.empty() ? "" : column.variant.label + ": ";
  if (!column.bench) return "# " + label + "-\n";
  const BenchCase& b = column.bench->bench();
  std::string text = fmt::format("# {}{}{}{} on {} of {} ranks of {}, fidelity {}", label,
                                 base::name_in_words(b.collective.kind),
                                 b.collective.algorithm.empty() ? "" : " ", b.collective.algorithm,
                                 column.bench->num_ranks(), topologies::count_ranks(b.cluster),
                                 b.cluster_name, base::name_in_words(b.fidelity));
  const bool shaped = b.collective.kind == sim::CollectiveKind::all_to_all &&
                      b.collective.traffic.empty() &&
                      b.skew.distribution != sim::Distribution::uniform;
  if (shaped) {
    text += fmt::format(", skew {} seed {}", base::name_in_words(b.skew.distribution), b.seed);
  }
  if (!b.protocol.preset.empty()) text += ", protocol " + b.protocol.preset;
  return text + "\n";
}

template <class Value>
void add(base::JsonValue& row, const char* key, Value value) {
  base::add_member(row, key, base::json_of(value));
}

// What there is to say of a column whose case could not be made.
void add_request(base::JsonValue& row, const BenchColumn& column) {
  const BenchRequest& request = column.variant.request;
  add(row, "collective", request.collective);
  add(row, "algorithm", request.algorithm);
  add(row, "cluster", request.cluster);
  add(row, "label", column.variant.label);
}

void add_case(base::JsonValue& row, const CollectiveBench& bench) {
  const BenchCase& b = bench.bench();
  add(row, "collective", base::name_in_words(b.collective.kind));
  add(row, "algorithm", b.collective.algorithm);
  add(row, "cluster", b.cluster_name);
  add(row, "label", b.label);
  add(row, "fidelity", base::name_in_words(b.fidelity));
  add(row, "ranks", bench.num_ranks());
  if (b.collective.kind != sim::CollectiveKind::all_to_all) return;
  add(row, "skew",
      b.collective.traffic.empty() ? base::name_in_words(b.skew.distribution)
                                   : std::string("matrix"));
  add(row, "seed", b.seed);
}

void add_figures(base::JsonValue& row, const BenchFigures& figures, bool with_wall_time) {
  add(row, "time_s", figures.time.value);
  add(row, "floor_s", figures.floor.value);
  add(row, "algbw_bytes_per_s", figures.algbw.value);
  add(row, "busbw_bytes_per_s", figures.busbw.value);
  if (with_wall_time) add(row, "wall_s", figures.wall_s);
}

std::string cells(const std::optional<BenchFigures>& figures) {
  if (!figures) return fmt::format(" {:>12} {:>8} {:>7}", "-", "-", "-");
  return fmt::format(" {:>12.2f} {:>8.2f} {:>7.2f}", figures->time.value * 1e6,
                     figures->algbw.value / 1e9, figures->busbw.value / 1e9);
}

// The time over that of the first column.
std::string ratio_cell(const std::optional<BenchFigures>& figures,
                       const std::optional<BenchFigures>& first) {
  if (!figures || !first || first->time.value <= 0) return fmt::format(" {:>7}", "-");
  return fmt::format(" {:>7.3f}", figures->time / first->time);
}

}  // namespace

const CollectiveBench& counted(const std::vector<BenchColumn>& columns) {
  for (const BenchColumn& column : columns) {
    if (column.bench) return *column.bench;
  }
  CHECK(false, "a table has a column");
  return *columns.front().bench;
}

base::Bytes granule_of(const ElementType& type, const CollectiveBench& bench) {
  const sim::CollectiveKind kind = bench.bench().collective.kind;
  const bool in_blocks = kind == sim::CollectiveKind::all_to_all ||
                         kind == sim::CollectiveKind::all_gather ||
                         kind == sim::CollectiveKind::reduce_scatter;
  return base::Bytes(static_cast<double>(type.bytes) * (in_blocks ? bench.num_ranks() : 1));
}

std::string table_head(const std::vector<BenchColumn>& columns) {
  std::string text;
  for (const BenchColumn& column : columns) text += heading(column);
  std::string labels(38, ' ');
  std::string names = fmt::format("#{:>13} {:>13} {:>9}", "size", "count", "type");
  std::string units = fmt::format("#{:>13} {:>13} {:>9}", "(B)", "(elements)", "");
  labels[0] = '#';
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const int width = i == 0 ? 30 : 38;
    labels += fmt::format(" {:^{}}", columns[i].variant.label, width - 1);
    names += fmt::format(" {:>12} {:>8} {:>7}", "time", "algbw", "busbw");
    units += fmt::format(" {:>12} {:>8} {:>7}", "(us)", "(GB/s)", "(GB/s)");
    if (i > 0) {
      names += fmt::format(" {:>7}", "ratio");
      units += fmt::format(" {:>7}", "");
    }
  }
  if (columns.size() > 1) text += labels + "\n";
  return text + names + "\n" + units + "\n";
}

std::string table_row(const std::vector<BenchColumn>& columns, const BenchRow& row) {
  std::string text = fmt::format(" {:>13.0f} {:>13.0f} {:>9}", row.size.value,
                                 count_of(row, counted(columns)), row.type.name);
  for (std::size_t i = 0; i < row.figures.size(); ++i) {
    text += cells(row.figures[i]);
    if (i > 0) text += ratio_cell(row.figures[i], row.figures[0]);
  }
  return text + "\n";
}

std::string json_lines(const std::vector<BenchColumn>& columns, const BenchRow& row,
                       bool with_wall_time) {
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const BenchColumn& column = columns[i];
    base::JsonValue line = base::json_object();
    if (column.bench) {
      add_case(line, *column.bench);
    } else {
      add_request(line, column);
    }
    add(line, "size_bytes", row.size.value);
    if (column.bench) add(line, "count", count_of(row, *column.bench));
    add(line, "type", row.type.name);
    if (row.figures[i]) {
      add_figures(line, *row.figures[i], with_wall_time);
    } else {
      add(line, "error", column.error->where() + ": " + column.error->message());
    }
    text += base::to_text(line, base::JsonStyle::compact) + "\n";
  }
  return text;
}

}  // namespace moesim::experiments
