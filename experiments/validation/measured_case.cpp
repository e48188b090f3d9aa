// SPDX-License-Identifier: Apache-2.0
#include "experiments/validation/measured_case.h"

#include <algorithm>
#include <array>

#include "base/data_directory.h"
#include "base/error.h"
#include "experiments/validation/case_table.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

constexpr const char* kData = "experiments/validation/data";

void require(bool holds, const std::string& where, const std::string& what,
             const std::string& hint) {
  if (!holds) throw base::Error(where, what, hint);
}

void check_sizes(const MeasuredCase& measured, const std::string& where) {
  if (is_moe(measured.operation)) {
    require(measured.tokens_per_rank >= 1 && measured.hidden_size >= 1 &&
                measured.num_experts >= 1 && measured.num_experts_per_tok >= 1,
            where, "a dispatch or combine needs its sizes",
            "set tokens_per_rank, hidden_size, num_experts and num_experts_per_tok");
    require(measured.num_experts_per_tok <= measured.num_experts, where,
            "a token has more experts than there are", "lower num_experts_per_tok");
    return;
  }
  require(measured.message_size.value > 0, where, "the collective has no message_size",
          "give the buffer of a rank, as \"8 MiB\"");
  require(!measured.bandwidth.has_value(), where,
          "a bandwidth counts rows, which only dispatch and combine have", "give the time");
}

void check(const MeasuredCase& measured, const std::string& where) {
  require(measured.time.has_value() != measured.bandwidth.has_value(), where,
          "a case has either a time or a bandwidth", "give the one that was published");
  const double value = measured.time ? measured.time->value : measured.bandwidth->value;
  require(value > 0, where, "what was measured is above 0", "leave the case out");
  check_sizes(measured, where);
}

std::string place_of(const JsonValue& section, const std::string& pointer) {
  return base::where_of(section.place, pointer);
}

MeasuredCase read_case(const Series& series, const JsonValue& section, const std::string& pointer) {
  JsonValue whole = series.defaults;
  base::merge_json(whole, section);
  MeasuredCase measured;
  base::ReadReport report;
  base::read_json(whole, measured, report, pointer);
  check(measured, place_of(section, pointer));
  return measured;
}

bool is_held_out(const Series& series, const JsonValue& row) {
  for (const auto& [key, values] : series.held_out_where) {
    const JsonValue* cell = row.find(key);
    if (cell == nullptr) continue;
    const std::string text = base::to_text(*cell);
    for (const JsonValue& value : values) {
      if (base::to_text(value) == text) return true;
    }
  }
  return false;
}

// What was run, as the table says it: "all_gather 8 512 B".
std::string name_of_row(const JsonValue& row) {
  std::string name;
  for (const base::JsonMember& member : row.members) {
    if (member.key == "time" || member.key == "bandwidth") continue;
    const JsonValue& cell = member.value;
    const bool is_text = cell.kind == JsonValue::Kind::string;
    name += (name.empty() ? "" : " ") + (is_text ? cell.text : base::to_text(cell));
  }
  return name;
}

void add_table(Series& series, const std::filesystem::path& file) {
  const std::vector<JsonValue> rows = read_table(file);
  for (const auto& [key, values] : series.held_out_where) {
    const bool known = std::any_of(rows.begin(), rows.end(), [&key = key](const JsonValue& row) {
      return row.find(key) != nullptr;
    });
    require(known, "/held_out_where/" + key, "the table has no column \"" + key + "\"",
            "name one of its keys");
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    series.cases.push_back(read_case(series, rows[i], "/row " + std::to_string(i + 1)));
    MeasuredCase& measured = series.cases.back();
    measured.held_out = measured.held_out || is_held_out(series, rows[i]);
    if (measured.id.empty()) measured.id = name_of_row(rows[i]);
  }
}

}  // namespace

base::EnumNames<Operation> names_of(Operation) {
  return {{Operation::dispatch, "dispatch"},     {Operation::combine, "combine"},
          {Operation::all_to_all, "all_to_all"}, {Operation::all_reduce, "all_reduce"},
          {Operation::all_gather, "all_gather"}, {Operation::reduce_scatter, "reduce_scatter"},
          {Operation::send_recv, "send_recv"}};
}

base::EnumNames<CountedRows> names_of(CountedRows) {
  return {{CountedRows::node_copies, "node_copies"},
          {CountedRows::rank_copies, "rank_copies"},
          {CountedRows::pairs, "pairs"}};
}

base::EnumNames<Trust> names_of(Trust) {
  return {{Trust::a, "A"}, {Trust::b, "B"}, {Trust::c, "C"}};
}

bool is_moe(Operation operation) {
  return operation == Operation::dispatch || operation == Operation::combine;
}

void describe(base::FieldTable& table, MeasuredCase& measured) {
  const bool moe = is_moe(measured.operation);
  const char* for_moe = "operation is dispatch or combine";
  table.title("measured case", "One published measurement of a collective.");
  table.field("id", measured.id, "What reports call it.");
  table.field("operation", measured.operation, "What was timed.").required();
  table.field("algorithm", measured.algorithm,
              "How the operation is carried out; empty = hierarchical_dedup for dispatch and "
              "combine, direct for all_to_all, ring for the rest.");
  table.field("num_nodes", measured.num_nodes, "Nodes of the machine.").at_least(1);
  table.field("ranks", measured.ranks, "Ranks that take part; null = all.").at_least(2);
  table.field("rank_stride", measured.rank_stride, "Every so many ranks one takes part.")
      .at_least(1);
  table.field("tokens_per_rank", measured.tokens_per_rank, "Tokens of each rank.")
      .at_least(1)
      .used_when(moe, for_moe);
  table.field("hidden_size", measured.hidden_size, "Values of a token.")
      .at_least(1)
      .used_when(moe, for_moe);
  table.field("num_experts", measured.num_experts, "Experts, shared out in equal runs.")
      .at_least(1)
      .used_when(moe, for_moe);
  table.field("num_experts_per_tok", measured.num_experts_per_tok, "Experts of a token.")
      .at_least(1)
      .used_when(moe, for_moe);
  table
      .field("nodes_per_token", measured.nodes_per_token,
             "Most nodes that a token's experts lie on (group-limited routing); null = any.")
      .at_least(1)
      .used_when(moe, for_moe);
  table.field("dtype", measured.dtype, "A row's values on the wire.").used_when(moe, for_moe);
  table.field("row_header", measured.row_header, "Bytes sent along with each row.")
      .used_when(moe, for_moe);
  table.field("message_size", measured.message_size, "nccl-tests' size: the buffer of one rank.")
      .used_when(!moe, "operation is neither dispatch nor combine");
  table.field("comm_sms", measured.comm_sms, "Multiprocessors in use; null = the protocol's.")
      .at_least(0);
  table.field("time", measured.time, "Measured, if a time was published.");
  table.field("bandwidth", measured.bandwidth,
              "Measured, if a bandwidth was published: counted rows of a rank over the time.");
  table.field("counted_rows", measured.counted_rows, "The rows that the bandwidth counts.")
      .used_when(measured.bandwidth.has_value(), "bandwidth is given");
  table.field("trust", measured.trust,
              "A: complete enough to reproduce. B: a setting is inferred. C: never judged by.");
  table.field("held_out", measured.held_out, "Calibration does not see the case.");
  table.field("source", measured.source, "Where the figure comes from; empty = the series'.");
  table.field("notes", measured.notes, "What a reader must know.");
}

void describe(base::FieldTable& table, Series& series) {
  table.title("measured series", "Measured cases of one machine and library.");
  table.field("title", series.title, "Machine and library in words.").required();
  table.field("source", series.source, "Where the figures come from.").required();
  table.field("notes", series.notes, "What a reader must know.");
  table.field("cluster", series.cluster, "A cluster section; a case's num_nodes replaces its own.")
      .required();
  table.field("protocol", series.protocol, "A protocol section: {\"preset\": name} or keys.")
      .required();
  table
      .field("promised_median", series.promised_median,
             "What the median relative error over trust-A cases must not exceed; null = no "
             "promise.")
      .above(0);
  table.field("fitted", series.fitted,
              "Keys of the protocol that `moesim calibrate network` chooses, at most four.");
  table.field("defaults", series.defaults, "Keys of a measured case that all cases share.");
  table.field("table", series.table, "CSV file beside this one with further cases.");
  table.field("held_out_where", series.held_out_where,
              "Key of the table -> values: calibration does not see rows that have one of them.");
  table.field("cases", series.case_sections, "Measured cases.");
}

Series read_series(const std::filesystem::path& file) {
  const JsonValue document = base::read_json_file(file);
  Series series;
  series.defaults = base::json_object();
  base::ReadReport report;
  base::read_json(document, series, report);
  series.name = file.stem().string();
  const JsonValue* sections = document.find("cases");
  for (std::size_t i = 0; sections != nullptr && i < sections->items.size(); ++i) {
    const std::string number = std::to_string(i);
    series.cases.push_back(read_case(series, sections->items[i], "/cases/" + number));
    if (series.cases.back().id.empty()) series.cases.back().id = series.name + " case " + number;
  }
  if (!series.table.empty()) add_table(series, file.parent_path() / series.table);
  require(!series.cases.empty(), file.string(), "the series has no cases",
          "add `cases` or `table`");
  return series;
}

std::vector<std::filesystem::path> shipped_series() {
  std::vector<std::filesystem::path> files;
  for (const std::string& name : base::preset_names(kData)) {
    files.push_back(base::data_directory() / kData / (name + ".json"));
  }
  return files;
}

}  // namespace moesim::experiments
