// SPDX-License-Identifier: Apache-2.0
#include "experiments/results/result_table.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "experiments/results/column_index.h"
#include "experiments/results/row_scanner.h"

namespace moesim::experiments {
namespace {

using base::JsonValue;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

std::size_t num_leading_columns(const StoredRun& run) { return 4 + run.axes.size(); }

std::vector<std::string> table_columns(const StoredRun& run) {
  std::vector<std::string> columns = {"index", "id", "status", "reason"};
  columns.insert(columns.end(), run.axes.begin(), run.axes.end());
  std::set<std::string> taken;
  for (const std::string& column : columns) taken.insert(lower(column));
  for (const std::string& column : run.columns) {
    if (taken.insert(lower(column)).second) columns.push_back(column);
  }
  return columns;
}

Cell cell_of(const JsonValue& value) {
  switch (value.kind) {
    case JsonValue::Kind::null:
      return {};
    case JsonValue::Kind::boolean:
      return {Cell::Kind::boolean, value.boolean ? "true" : "false"};
    case JsonValue::Kind::number:
      return {Cell::Kind::number, base::to_text(value, base::JsonStyle::compact)};
    case JsonValue::Kind::string:
      return {Cell::Kind::text, value.text};
    default:
      return {Cell::Kind::text, base::to_text(value, base::JsonStyle::compact)};
  }
}

void for_each_row(const StoredRun& run, const std::function<void(const TableRow&)>& take) {
  const std::vector<std::string> columns = table_columns(run);
  const std::size_t leading = num_leading_columns(run);
  ColumnIndex index({columns.begin() + static_cast<std::ptrdiff_t>(leading), columns.end()});
  RowFile rows(run);
  for (const StoredPoint& point : run.points) {
    TableRow row(columns.size());
    row[0] = {Cell::Kind::number, std::to_string(point.index)};
    row[1] = {Cell::Kind::text, point.id};
    row[2] = {Cell::Kind::text, point.status};
    row[3] = {Cell::Kind::text, point.reason};
    for (std::size_t axis = 0; axis < run.axes.size(); ++axis) {
      const auto found = point.swept.find(run.axes[axis]);
      if (found != point.swept.end()) row[4 + axis] = cell_of(found->second);
    }
    index.start_row();
    scan_row(rows.text_of(point), rows.path().string(),
             [&](std::string_view key, std::string_view number) {
               const std::optional<std::size_t> column = index.find(key);
               if (column) row[leading + *column] = {Cell::Kind::number, std::string(number)};
             });
    take(row);
  }
}

}  // namespace moesim::experiments
